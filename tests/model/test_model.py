"""Whatever happens in whatever order: what was acknowledged is kept, what is told is true, and nothing is done twice.

`MODEL_EXAMPLES` and `MODEL_STEPS` in the environment make the search longer than the suite has time for.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pi_cam_node import configfile
from pi_cam_node.arrivals import CameraFailed
from pi_cam_node.events import CameraChanged, PictureSaved
from pi_cam_node.settings import as_text, catalogue, value_of
from tests.fakes.clock import FakeClock
from tests.fakes.tracebacks import Tracebacks
from tests.model.broker import Broker
from tests.model.disk import FATES, Disk, Killed
from tests.model.house import BASE, House

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
# What may be asked of a live setting, and whether it is granted.
CHANGES = [
    ("night.gain", "7.5", True),
    ("night.gain", "2", True),
    ("night.dark_threshold", "40", True),
    ("night.override", "night", True),
    ("night.override", "day", True),
    ("export.jpeg_quality", "80", True),
    ("export.formats", "jpg npy", True),
    ("export.formats", "npy", True),
    ("telemetry.interval_s", "5 s", True),
    ("night.gain", "abc", False),
    ("night.gain", "1e9", False),
    ("mqtt.port", "1", False),
    ("no.such", "1", False),
]
MEDIA = {f"{BASE}/media/last", f"{BASE}/media/last/image", f"{BASE}/media/thumbnail"}
LIVE = [key for key, info in catalogue().items() if info.live]


class Model(RuleBasedStateMachine):
    """A node, its broker, its disk and its clock; and beside them what must be true of them."""

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
        self.kept: dict[str, dict[Path, str]] = {}
        self.sizes: dict[str, int] = {}
        self.asked: dict[str, tuple[str, bytes]] = {}
        self.heard_s = float("-inf")
        self.strange: dict[str, bytes] = {}
        self.inherited: dict[str, bytes] = {}
        self.begin()

    def teardown(self) -> None:
        logging.getLogger().removeHandler(self.tracebacks)
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------ lives of the node

    def begin(self) -> None:
        self.boots += 1
        self.asked.clear()
        self.heard_s = float("-inf")
        self.inherited = {topic: self.broker.retained[topic] for topic in MEDIA & self.broker.retained.keys()}
        self.house = House(self.path, self.disk, self.clock, self.boots)
        assert self.in_force() == self.filed, "a start gives what the file gave"
        self.house.meet(self.broker)

    def settings_in_file(self) -> dict[str, str]:
        config = configfile.load(self.path, {}).config
        return {key: as_text(value_of(config, key)) for key in LIVE}

    def in_force(self) -> dict[str, str]:
        return {key: as_text(value_of(self.house.config, key)) for key in LIVE}

    def end(self) -> None:
        """End this life without a word; the broker notices and speaks the last will."""
        if self.is_connected:
            self.house.link.lose()
            self.broker.retained[f"{BASE}/availability"] = b"offline"

    @property
    def is_connected(self) -> bool:
        line = self.house.link.line
        return line is not None and not line.is_stuck

    @initialize()
    def first_light(self) -> None:
        self.frames_come(3, 120)
        self.take_a_picture("save")

    # ------------------------------------------------------------ what people ask

    def ask(self, verb: str, fields: dict[str, object]) -> str:
        """Put a command, by the broker where there is one, and return its id."""
        self.names += 1
        name = f"c{self.names}"
        payload = json.dumps({"id": name, **fields}).encode()
        self.asked[name] = (verb, payload)
        self.deliver(verb, payload)
        return name

    def deliver(self, verb: str, payload: bytes) -> None:
        if self.is_connected:
            self.house.hear(f"{BASE}/cmd/{verb}", payload)

    @rule(change=st.sampled_from(CHANGES))
    def change_a_setting(self, change: tuple[str, str, bool]) -> None:
        key, value, granted = change
        before, name = self.in_force(), self.ask("set", {"key": key, "value": value})
        replies = self.house.finals(name)
        assert len(replies) == int(self.is_connected)
        if replies:
            assert replies[0]["ok"] is granted, replies
        if not granted or not replies:
            assert self.in_force() == before

    @rule()
    def save_the_settings(self) -> None:
        name = self.ask("overwrite_config", {})
        self.house.work()
        for _ in range(40):  # a change that is on trial is written when frames have proved it
            if self.house.finals(name) or not self.is_connected:
                break
            self.frames_come(5, 120)
        wanted, replies = self.in_force(), self.house.finals(name)
        assert len(replies) == int(self.is_connected)
        if replies and replies[0]["ok"]:
            self.filed = wanted
        if replies:
            assert replies[0]["ok"] or self.disk.is_full, replies

    @rule(verb=st.sampled_from(["save", "save", "pastStack"]))
    def take_a_picture(self, verb: str) -> None:
        name = self.ask(verb, {})
        self.frames_come(2, 120)
        assert len(self.house.finals(name)) == int(self.is_connected), "one final reply"

    @rule(verb=st.sampled_from(["save", "pastStack"]))
    def ask_for_a_picture(self, verb: str) -> None:
        self.ask(verb, {})

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 5))
    def repeat_a_command(self, which: int) -> None:
        verb, payload = list(self.asked.values())[-1 - which % len(self.asked)]
        self.deliver(verb, payload)
        self.frames_come(1, 120)

    @rule()
    def leave_a_retained_command(self) -> None:
        topic, payload = f"{BASE}/cmd/save", b'{"id":"left"}'
        self.broker.retained[topic] = self.strange[topic] = payload
        if self.is_connected:
            self.house.hear(topic, payload, retained=True)
            self.frames_come(1, 120)

    # ------------------------------------------------------------ what the world does

    @rule(count=st.integers(1, 12), level=st.sampled_from([20, 120, 250]))
    def frames_come(self, count: int, level: int) -> None:
        self.house.see(count, level)
        self.heard_s = self.clock.monotonic()
        self.house.work()
        assert self.house.camera_online, "frames flow"

    @rule()
    def a_frame_is_late(self) -> None:
        self.house.pass_time(4.0)
        self.frames_come(1, 120)

    @rule()
    def frames_stop(self) -> None:
        self.house.pass_time(40.0)
        assert not self.house.camera_online, "a camera that is silent for so long is away"

    @rule()
    def the_camera_dies(self) -> None:
        self.house.put(CameraFailed("the camera process was ended by SIGKILL", "respawn", 1))
        assert not self.house.camera_online

    @rule(seconds=st.sampled_from([-40 * 86_400.0, -3600.0, 3600.0, 40 * 86_400.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        online = self.house.camera_online
        self.clock.step_utc(seconds)
        self.house.settle()
        assert self.house.camera_online is online, "no watchdog goes by the wall clock"

    @rule(seconds=st.sampled_from([0.5, 3.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        self.house.pass_time(seconds)

    @rule()
    def the_worker_works(self) -> None:
        self.house.work()

    @rule(is_full=st.booleans())
    def the_disk_fills_or_has_room(self, is_full: bool) -> None:
        self.house.work()
        self.disk.is_full = is_full

    # ------------------------------------------------------------ the broker

    @precondition(lambda self: self.house.link.line is None)
    @rule(forgot=st.booleans())
    def the_broker_comes_back(self, forgot: bool) -> None:
        if forgot:
            self.broker.retained.clear()
            self.strange.clear()
        self.house.meet(self.broker)

    @precondition(lambda self: self.is_connected)
    @rule(lost=st.integers(0, 5), unnoticed=st.booleans())
    def the_broker_goes(self, lost: int, unnoticed: bool) -> None:
        """End the link, perhaps after it was dead for a while; what the broker took last, it did not acknowledge."""
        line = self.house.link.line
        assert line is not None
        if unnoticed:
            line.is_stuck = True
            self.house.see(12, 250)
        self.house.link.lose(lost)
        self.heard_s = self.clock.monotonic() if unnoticed else self.heard_s
        self.broker.retained[f"{BASE}/availability"] = b"offline"
        self.house.settle()

    @precondition(lambda self: self.is_connected)
    @rule(forgot=st.booleans())
    def the_broker_starts_anew(self, forgot: bool) -> None:
        self.the_broker_goes(0, unnoticed=False)
        self.the_broker_comes_back(forgot)

    @precondition(lambda self: self.is_connected)
    @rule()
    def a_late_will_is_spoken(self) -> None:
        self.broker.retained[f"{BASE}/availability"] = b"offline"
        self.house.hear(f"{BASE}/availability", b"offline")

    # ------------------------------------------------------------ ends

    @rule()
    def the_process_is_killed(self) -> None:
        self.end()
        self.begin()

    @rule(names_kept=st.sampled_from([0, 0, 1, 2, 3, 5, 8]), fate=st.integers(0, len(FATES) - 1))
    def the_power_is_cut(self, names_kept: int, fate: int) -> None:
        self.end()
        self.disk.cut(names_kept, fate)
        self.begin()

    @rule(
        calls=st.integers(0, 30),
        power=st.booleans(),
        names_kept=st.sampled_from([0, 0, 1, 2, 3, 5, 8]),
        fate=st.integers(0, len(FATES) - 1),
        verb=st.sampled_from(["save", "overwrite_config"]),
    )
    def it_ends_in_the_midst_of_writing(self, calls: int, power: bool, names_kept: int, fate: int, verb: str) -> None:
        """Let it write, and die at one of its calls or right after its answer."""
        if not self.is_connected:
            self.the_broker_comes_back(forgot=False)
        self.ask("set", {"key": "ring.quality", "value": 40 + self.names % 50})
        wanted, name = self.in_force(), self.ask(verb, {})
        self.disk.kill_after = calls
        try:
            self.house.see(1, 120)
            self.house.work()
        except Killed:
            self.house.worker.jobs.clear()
        self.disk.kill_after = None
        self.heard_s = self.clock.monotonic()
        self.keep_what_was_acknowledged()
        if power:
            self.disk.cut(names_kept, fate)
        replies = self.house.finals(name)
        if verb == "overwrite_config" and replies and replies[0]["ok"]:
            self.filed = wanted
        found = self.settings_in_file()
        assert found == self.filed or (found == wanted and not replies), "the file is the acknowledged one, or the next"
        self.filed = found
        self.end()
        self.begin()

    # ------------------------------------------------------------ what must be true

    def pictures_of(self, name: str) -> list[str]:
        """Return the ids of the pictures that the replies to a command name."""
        return [str(body["data"]["id"]) for body in self.house.finals(name) if body["ok"]]  # type: ignore[index]

    def keep_what_was_acknowledged(self) -> None:
        for fact in self.house.told:
            if isinstance(fact, PictureSaved) and fact.id not in self.kept:
                self.sizes[fact.id] = sum(path.stat().st_size for path in fact.paths)
                self.kept[fact.id] = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in fact.paths}

    def files(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in sorted((self.folder / "captures").glob("*")):
            found.setdefault(path.name.partition(".")[0] or path.name, []).append(path)
        return found

    @invariant()
    def nothing_was_logged_with_a_traceback(self) -> None:
        assert not self.tracebacks.found, self.tracebacks.found

    @invariant()
    def what_was_acknowledged_is_on_disk(self) -> None:
        self.keep_what_was_acknowledged()
        assert self.settings_in_file() == self.filed
        gone = {name for name, paths in self.kept.items() if not all(path.exists() for path in paths)}
        for name in self.kept.keys() - gone:
            for path, digest in self.kept[name].items():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path
        largest = 2 * max((self.sizes[name] for name in gone), default=0)
        left = sum(path.stat().st_size for paths in self.files().values() for path in paths)
        assert not gone or self.disk.is_full or left + largest > LIMIT_BYTES, "nothing goes that has room"
        saved = [fact.id for fact in self.house.told if isinstance(fact, PictureSaved)]
        assert not saved or saved[-1] not in gone, "the newest stays"

    @invariant()
    def the_broker_holds_what_is_true(self) -> None:
        if not self.is_connected:
            return
        told = {topic: payload for topic, payload in self.broker.retained.items() if topic not in self.strange}
        told.pop(f"{BASE}/frame", None)
        for topic in MEDIA - self.house.board.keys():  # the last picture of an earlier life is still the last one
            assert told.pop(topic, None) in (None, self.inherited.get(topic)), topic
        assert told == self.house.board, "the broker holds what the node means"
        assert {key: told.get(f"{BASE}/config/{key}", b"").decode() for key in LIVE} == self.in_force()
        assert told[f"{BASE}/availability"] == b"online"
        camera = b"online" if self.house.camera_online else b"offline"
        assert told[f"{BASE}/camera/availability"] == camera
        if f"{BASE}/media/last" in told:
            last = json.loads(told[f"{BASE}/media/last"])
            saved = [fact.id for fact in self.house.told if isinstance(fact, PictureSaved)]
            assert not saved or last["id"] == saved[-1]

    @invariant()
    def no_command_is_done_twice(self) -> None:
        saved = [fact.id for fact in self.house.told if isinstance(fact, PictureSaved)]
        assert len(saved) == len(set(saved))
        assert not self.house.finals("left") or not self.pictures_of("left"), "a retained command does nothing"
        named: list[str] = []
        for name in self.asked:
            bodies = self.house.finals(name)
            assert all(body == bodies[0] for body in bodies), "a repetition gets the first answer"
            named += set(self.pictures_of(name)) if self.asked[name][0] in ("save", "pastStack") else ()
        assert len(named) == len(set(named)), "each picture belongs to one command"
        assert set(saved) >= set(named)

    @invariant()
    def files_and_index_agree(self) -> None:
        if self.disk.is_full or self.house.worker.jobs:
            return
        usage = self.house.archive.usage()
        if usage is None:
            return
        files = self.files()
        assert {name for name in files if not name.startswith(".")} == set(self.house.archive.newest(10_000))
        size_bytes = sum(path.stat().st_size for paths in files.values() for path in paths)
        assert usage.size_bytes == size_bytes
        assert size_bytes <= LIMIT_BYTES or usage.count == 1

    @invariant()
    def frames_flow_or_a_fault_is_named(self) -> None:
        silent_s = self.clock.monotonic() - self.heard_s
        if self.house.camera_online:
            assert silent_s < 40, "a camera without frames for so long is not online"
            return
        changes = [fact for fact in self.house.told if isinstance(fact, CameraChanged)]
        if changes:
            assert not changes[-1].online
            assert changes[-1].reason


Model.TestCase.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "100")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "30")),
    deadline=None,
    derandomize="MODEL_EXAMPLES" not in os.environ,
    database=None,
    # A failing run says what it did; the shortest way to the failure takes minutes and is for the long profile.
    phases=[Phase.generate, *([Phase.shrink] if "MODEL_EXAMPLES" in os.environ else [])],
    suppress_health_check=list(HealthCheck),
)
TestModel = Model.TestCase
