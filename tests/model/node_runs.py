"""Successive runs of a node on one disk, with one broker and one clock, and its acknowledged settings and pictures."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine

from pi_cam_node.config import loader
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.config.settings import as_text, catalogue, value_of
from pi_cam_node.core.events import PictureSaved
from tests.model.node_harness import BASE, NodeHarness
from tests.support.fakes.clock import FakeClock
from tests.support.model_broker import Broker
from tests.support.model_disk import Disk
from tests.support.tracebacks import Tracebacks

# Three or four pictures of 64 x 48 pixels in numpy's format.
LIMIT_BYTES = 40_000
FILE = f"""# the porch
node: {{id: porch, memory_bytes: 128 MiB}}
mjpeg_server: {{enable: off}}
export:
  auto_save_interval_s: 0  # no picture without being asked
  formats: [npy]
storage: {{max_bytes: {LIMIT_BYTES}, min_free_bytes: 1 MiB}}
"""
MEDIA = {f"{BASE}/media/last", f"{BASE}/media/last/image", f"{BASE}/media/thumbnail"}
# The switch of privacy is remembered by itself, and never in the file.
LIVE = [key for key, info in catalogue().items() if info.live and key != PRIVACY_KEY]


class NodeRuns(RuleBasedStateMachine):
    """State that rules and invariants share.

    Attributes:
        filed: The settings that the file has to hold.
        former: What it may hold again after a power cut: settings for which others were written, but not promised.
        kept: The files of each picture that was acknowledged, and what was in them.
        asked: The commands of this life, by their ids.
        heard_s: When the last frame came.
        strange: What others left at the broker.
        inherited: What an earlier life left there.
        sealed: Whether this life began in privacy.
        switches: The switches of privacy that this life heard of: their ids, and whether it was on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pi_cam_node-model-"))
        self.path = self.folder / "config.yaml"
        self.path.write_text(FILE)
        self.disk, self.clock, self.broker = Disk(self.folder), FakeClock(), Broker()
        self.tracebacks = Tracebacks()
        logging.getLogger().addHandler(self.tracebacks)
        self.boots = self.names = 0
        self.filed = self.settings_in_file()
        self.former: list[dict[str, str]] = []
        self.kept: dict[str, dict[Path, str]] = {}
        self.sizes: dict[str, int] = {}
        self.asked: dict[str, tuple[str, bytes]] = {}
        self.heard_s = float("-inf")
        self.strange: dict[str, bytes] = {}
        self.inherited: dict[str, bytes] = {}
        self.sealed = False
        self.switches: list[tuple[str, bool]] = []
        self.begin()

    def teardown(self) -> None:
        logging.getLogger().removeHandler(self.tracebacks)
        self.harness.close()
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ lives of the node

    def begin(self) -> None:
        self.boots += 1
        self.asked.clear()
        self.heard_s = float("-inf")
        self.inherited = {topic: self.broker.retained[topic] for topic in MEDIA & self.broker.retained.keys()}
        self.harness = NodeHarness(self.path, self.disk, self.clock, self.boots, self.keep)
        assert self.in_force() == self.filed, "a start gives what the file gave"
        self.harness.meet(self.broker)

    def end(self) -> None:
        """Kill this run of the node; the broker publishes the last will."""
        if self.is_connected:
            self.harness.link.lose()
            self.broker.retained[f"{BASE}/availability"] = b"offline"
        self.harness.close()

    def cut_the_power(self, names_kept: int, fate: int) -> None:
        """Leave on the disk what was synced, and some of the rest."""
        self.disk.cut(names_kept, fate)
        if self.settings_in_file() in self.former:
            self.filed = self.settings_in_file()
        self.former.clear()

    def promise(self, filed: dict[str, str]) -> None:
        """Note that settings were acknowledged as being in the file."""
        self.filed = filed
        self.former.clear()

    def settings_in_file(self) -> dict[str, str]:
        return dict(_settings_of(self.path, self.path.read_bytes()))

    def in_force(self) -> dict[str, str]:
        return {key: as_text(value_of(self.harness.config, key)) for key in LIVE}

    @property
    def is_connected(self) -> bool:
        line = self.harness.link.line
        return line is not None and not line.is_stuck

    @property
    def is_private(self) -> bool:
        """Whether no picture may be shown: from the request for privacy until a request for its end was carried out."""
        private = self.sealed
        for name, on in self.switches:
            private = on or (private and not self.granted(name))
        return private

    # ------------------------------------------------------------ what people ask

    def ask(self, verb: str, fields: dict[str, object]) -> str:
        """Send a command, over MQTT where the broker is there, and return its id."""
        self.names += 1
        name = f"c{self.names}"
        payload = json.dumps({"id": name, **fields}).encode()
        self.asked[name] = (verb, payload)
        self.deliver(verb, payload)
        return name

    def deliver(self, verb: str, payload: bytes) -> None:
        if self.is_connected:
            self.harness.hear(f"{BASE}/cmd/{verb}", payload)

    def granted(self, name: str) -> bool:
        """Return whether a command was carried out, by the reply to it."""
        return any(bool(body["ok"]) for body in self.harness.finals(name))

    def pictures_of(self, name: str) -> list[str]:
        """Return the ids of the pictures that the replies to a command name."""
        return [str(body["data"]["id"]) for body in self.harness.finals(name) if body["ok"]]  # type: ignore[index]

    def frames_come(self, count: int, level: int) -> None:
        """Provide frames, and check that the node takes them where it may."""
        self.harness.work()
        self.harness.see(count, level)
        self.heard_s = self.clock.monotonic()
        self.harness.work()
        assert self.harness.camera_online is not self.is_private, "frames flow, and in privacy none"

    # ------------------------------------------------------------ what it has to show for it

    def keep(self, saved: PictureSaved) -> None:
        """Note a picture that was reported: it is on disk, and the next may displace it."""
        paths = [Path(path) for path in saved.paths]
        self.sizes[saved.id] = sum(path.stat().st_size for path in paths)
        self.kept[saved.id] = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    def saved(self) -> list[str]:
        """Return the ids of the pictures that this run reported."""
        return [fact.id for fact in self.harness.told if isinstance(fact, PictureSaved)]

    def files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted((self.folder / "captures").glob("*")):
            found.setdefault(path.name.partition(".")[0] or path.name, []).append(path)
        return found


@lru_cache(maxsize=8)  # it is looked at after each step, and rarely another
def _settings_of(path: Path, content: bytes) -> dict[str, str]:
    config = loader.load(path, {}, content).config
    return {key: as_text(value_of(config, key)) for key in LIVE}
