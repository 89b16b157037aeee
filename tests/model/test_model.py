"""Random histories of a node: acknowledged changes are kept, published states are true, nothing is done twice.

`MODEL_EXAMPLES` and `MODEL_STEPS` in the environment make the search longer than the suite has time for.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from pi_cam_node.core.events import SettingsRolledBack
from pi_cam_node.core.inputs import CameraFailed
from tests.model.invariants import Invariants
from tests.model.node_harness import BASE
from tests.model.privacy import Privacy
from tests.support.model_disk import FATES, Killed

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
# What a camera may not bear, within the range of its setting.
STARVING = [("camera.framerate", "30"), ("camera.width", "2592"), ("night.gain", "12.5"), ("night.override", "night")]


class Model(Privacy, Invariants):
    """A node, its broker, its disk and its clock, with the rules that change them."""

    @initialize()
    def first_light(self) -> None:
        self.frames_come(3, 120)
        self.take_a_picture("save", thumbnail=False)

    # ------------------------------------------------------------ what people ask

    @rule(change=st.sampled_from(CHANGES))
    def change_a_setting(self, change: tuple[str, str, bool]) -> None:
        key, value, granted = change
        before, name = self.in_force(), self.ask("set", {"key": key, "value": value})
        replies = self.harness.finals(name)
        assert len(replies) == int(self.is_connected)
        if replies:
            assert replies[0]["ok"] is granted, replies
        if not granted or not replies:
            assert self.in_force() == before

    @precondition(lambda self: self.is_connected and not self.is_private)
    @rule(change=st.sampled_from(STARVING), late=st.integers(0, 4))
    def a_change_starves_the_camera(self, change: tuple[str, str], late: int) -> None:
        """Change a setting so that the camera stops: a few frames are still on their way, then none come any more."""
        self.settings_prove_themselves()
        before, (key, value) = self.in_force(), change
        name = self.ask("set", {"key": key, "value": value})
        assert self.granted(name)
        self.harness.see(late, 120)
        self.harness.pass_time(60.0)
        assert self.in_force() == before, "what starves the camera is taken back"
        back = [fact for fact in self.harness.told if isinstance(fact, SettingsRolledBack)]
        assert value == before[key] or key in back[-1].settings

    def settings_prove_themselves(self) -> None:
        """Provide frames until no setting is on trial."""
        for _ in range(40):
            self.frames_come(5, 120)
            if not self.harness.is_trying:
                return
        raise AssertionError("frames prove the settings")

    @rule()
    def save_the_settings(self) -> None:
        name = self.ask("overwrite_config", {})
        self.harness.work()
        for _ in range(40):  # a change that is on trial is written when frames have proved it
            if self.harness.finals(name) or not self.is_connected:
                break
            self.frames_come(5, 120)
        wanted, replies = self.in_force(), self.harness.finals(name)
        assert len(replies) == int(self.is_connected)
        if replies and replies[0]["ok"]:
            self.promise(wanted)
        if replies:
            assert replies[0]["ok"] or self.disk.is_full, replies

    @rule(verb=st.sampled_from(["save", "save", "pastStack"]), thumbnail=st.booleans())
    def take_a_picture(self, verb: str, thumbnail: bool) -> None:
        name = self.ask(verb, {"thumbnail": thumbnail})
        self.frames_come(2, 120)
        assert len(self.harness.finals(name)) == int(self.is_connected), "one final reply"

    @rule(verb=st.sampled_from(["save", "pastStack"]), thumbnail=st.booleans())
    def ask_for_a_picture(self, verb: str, thumbnail: bool) -> None:
        self.ask(verb, {"thumbnail": thumbnail})

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
            self.harness.hear(topic, payload, retained=True)
            self.frames_come(1, 120)

    # ------------------------------------------------------------ what the world does

    @rule(count=st.integers(1, 12), level=st.sampled_from([20, 120, 250]))
    def the_camera_delivers(self, count: int, level: int) -> None:
        self.frames_come(count, level)

    @rule()
    def a_frame_is_late(self) -> None:
        self.harness.pass_time(4.0)
        self.frames_come(1, 120)

    @rule()
    def frames_stop(self) -> None:
        self.harness.pass_time(40.0)
        assert not self.harness.camera_online, "a camera that is silent for so long is away"

    @rule()
    def the_camera_dies(self) -> None:
        self.harness.put(CameraFailed("the camera process was ended by SIGKILL", "respawn", 1))
        assert not self.harness.camera_online

    @rule(seconds=st.sampled_from([-40 * 86_400.0, -3600.0, 3600.0, 40 * 86_400.0]))
    def the_wall_clock_jumps(self, seconds: float) -> None:
        online = self.harness.camera_online
        self.clock.step_utc(seconds)
        self.harness.settle()
        assert self.harness.camera_online is online, "no watchdog goes by the wall clock"

    @rule(seconds=st.sampled_from([0.5, 3.0, 130.0]))
    def time_passes(self, seconds: float) -> None:
        self.harness.pass_time(seconds)

    @rule()
    def the_worker_works(self) -> None:
        self.harness.work()

    @rule(is_full=st.booleans())
    def the_disk_fills_or_has_room(self, is_full: bool) -> None:
        self.harness.work()
        self.disk.is_full = is_full

    # ------------------------------------------------------------ the broker

    @precondition(lambda self: self.harness.link.line is None)
    @rule(forgot=st.booleans())
    def the_broker_comes_back(self, forgot: bool) -> None:
        if forgot:
            self.broker.retained.clear()
            self.strange.clear()
        self.harness.meet(self.broker)

    @precondition(lambda self: self.is_connected)
    @rule(lost=st.integers(0, 5), unnoticed=st.booleans())
    def the_broker_goes(self, lost: int, unnoticed: bool) -> None:
        """End the link, perhaps after it was dead for a while; the last messages that arrived were not acknowledged."""
        line = self.harness.link.line
        assert line is not None
        if unnoticed:
            line.is_stuck = True
            self.harness.see(12, 250)
        self.harness.link.lose(lost)
        self.heard_s = self.clock.monotonic() if unnoticed else self.heard_s
        self.broker.retained[f"{BASE}/availability"] = b"offline"
        self.harness.settle()

    @precondition(lambda self: self.is_connected)
    @rule(forgot=st.booleans())
    def the_broker_starts_anew(self, forgot: bool) -> None:
        self.the_broker_goes(0, unnoticed=False)
        self.the_broker_comes_back(forgot)

    @precondition(lambda self: self.is_connected)
    @rule()
    def a_late_will_is_spoken(self) -> None:
        self.broker.retained[f"{BASE}/availability"] = b"offline"
        self.harness.hear(f"{BASE}/availability", b"offline")

    # ------------------------------------------------------------ ends

    @rule()
    def the_process_is_killed(self) -> None:
        self.end()
        self.begin()

    @rule(names_kept=st.sampled_from([0, 0, 1, 2, 3, 5, 8]), fate=st.integers(0, len(FATES) - 1))
    def the_power_is_cut(self, names_kept: int, fate: int) -> None:
        self.end()
        self.cut_the_power(names_kept, fate)
        self.begin()

    @rule(
        calls=st.integers(0, 30),
        power=st.booleans(),
        names_kept=st.sampled_from([0, 0, 1, 2, 3, 5, 8]),
        fate=st.integers(0, len(FATES) - 1),
        verb=st.sampled_from(["save", "overwrite_config", "privacy"]),
    )
    def it_ends_in_the_midst_of_writing(self, calls: int, power: bool, names_kept: int, fate: int, verb: str) -> None:
        """Have it write, and kill it at one of its calls or right after its reply."""
        if not self.is_connected:
            self.the_broker_comes_back(forgot=False)
        self.ask("set", {"key": "ring.quality", "value": 40 + self.names % 50})
        wanted, private = self.in_force(), self.is_private
        name = self.switch(on=not private, by_set=False) if verb == "privacy" else self.ask(verb, {})
        self.disk.kill_after = calls
        try:
            self.harness.see(1, 120)
            self.harness.work()
        except Killed:
            self.harness.worker.jobs.clear()
        self.disk.kill_after = None
        self.heard_s = self.clock.monotonic()
        if verb == "overwrite_config" and self.granted(name):
            self.promise(wanted)
        found = self.settings_in_file()
        if verb == "overwrite_config" and found == wanted and not self.harness.finals(name):
            self.former.append(self.filed)
            self.filed = found
        if power:
            self.cut_the_power(names_kept, fate)
        self.end()
        self.begin()


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
