"""Invariants of a node that hold after any sequence of inputs."""

from __future__ import annotations

import hashlib
import json

from hypothesis.stateful import invariant

from pi_cam_node.core.events import CameraChanged
from pi_cam_node.mqtt.messages.event_messages import EMPTY_TEXT
from tests.model.node_harness import BASE
from tests.model.node_runs import LIMIT_BYTES, LIVE, MEDIA, NodeRuns


class Invariants(NodeRuns):
    """Invariants, checked after each rule."""

    @invariant()
    def nothing_was_logged_with_a_traceback(self) -> None:
        assert not self.tracebacks.found, self.tracebacks.found

    @invariant()
    def what_was_acknowledged_is_on_disk(self) -> None:
        assert self.settings_in_file() == self.filed
        gone = {name for name, paths in self.kept.items() if not all(path.exists() for path in paths)}
        for name in self.kept.keys() - gone:
            for path, digest in self.kept[name].items():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, path
        largest = 2 * max((self.sizes[name] for name in gone), default=0)
        left = sum(path.stat().st_size for paths in self.files().values() for path in paths)
        assert not gone or self.disk.is_full or left + largest > LIMIT_BYTES, "nothing goes that has room"
        saved = self.saved()
        assert not saved or saved[-1] not in gone, "the newest stays"

    @invariant()
    def the_broker_holds_what_is_true(self) -> None:
        if not self.is_connected:
            return
        told = {topic: payload for topic, payload in self.broker.retained.items() if topic not in self.strange}
        told.pop(f"{BASE}/frame", None)
        board = self.harness.board
        if self.is_private:  # see `Privacy`
            told, board = ({t: what for t, what in each.items() if t not in MEDIA} for each in (told, board))
        for topic in MEDIA - board.keys():  # the last picture of an earlier life is still the last one
            assert told.pop(topic, None) in (None, self.inherited.get(topic)), topic
        assert told == board, "the broker holds what the node means"
        settings = {key: told.get(f"{BASE}/config/{key}", b"").decode() for key in LIVE}
        assert {key: "" if text == EMPTY_TEXT else text for key, text in settings.items()} == self.in_force()
        assert told[f"{BASE}/availability"] == b"online"
        camera = b"online" if self.harness.camera_online else b"offline"
        assert told[f"{BASE}/camera/availability"] == camera
        if f"{BASE}/media/last" in told:
            last = json.loads(told[f"{BASE}/media/last"])
            saved = self.saved()
            assert not saved or last["id"] == saved[-1]

    @invariant()
    def no_command_is_done_twice(self) -> None:
        saved = self.saved()
        assert len(saved) == len(set(saved))
        assert not self.harness.finals("left") or not self.pictures_of("left"), "a retained command does nothing"
        named: list[str] = []
        for name in self.asked:
            bodies = self.harness.finals(name)
            assert all(body == bodies[0] for body in bodies), "a repetition gets the first answer"
            named += set(self.pictures_of(name)) if self.asked[name][0] in ("save", "pastStack") else ()
        assert len(named) == len(set(named)), "each picture belongs to one command"
        assert set(saved) >= set(named)

    @invariant()
    def files_and_index_agree(self) -> None:
        if self.disk.is_full or self.harness.worker.jobs:
            return
        usage = self.harness.archive.usage()
        if usage is None:
            return
        files = self.files()
        assert {name for name in files if not name.startswith(".")} == set(self.harness.archive.newest(10_000))
        size_bytes = sum(path.stat().st_size for paths in files.values() for path in paths)
        assert usage.size_bytes == size_bytes
        assert size_bytes <= LIMIT_BYTES or usage.count == 1

    @invariant()
    def frames_flow_or_a_fault_is_named(self) -> None:
        silent_s = self.clock.monotonic() - self.heard_s
        if self.harness.camera_online:
            assert silent_s < 40, "a camera without frames for so long is not online"
            return
        changes = [fact for fact in self.harness.told if isinstance(fact, CameraChanged)]
        if changes:
            assert not changes[-1].online
            assert changes[-1].reason
