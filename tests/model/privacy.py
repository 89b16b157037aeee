"""Privacy in the model: switched at any time; no picture is shown while it is on, even after a kill."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.inputs import CommandArrived
from pi_cam_node.storage.privacy_marker import FILE_NAME
from tests.model.node_harness import BASE
from tests.model.node_runs import MEDIA, NodeRuns

# First bytes of JPEG and npy files, plain and in base64: metadata of a picture may be published, but no picture.
PIXELS = (b"\xff\xd8\xff", b"/9j/", b"\x93NUMPY")
PICTURES = MEDIA | {f"{BASE}/frame"}


class Privacy(NodeRuns):
    """Switched by either door, at any time.

    Attributes:
        possible: What the next life may find, off or on, as far as this one was begun with.
        told_before: So much had the broker been told when it began.
    """

    def __init__(self) -> None:
        self.told_before, self.possible = 0, {False}
        super().__init__()

    # ------------------------------------------------------------ lives of the node

    def begin(self) -> None:
        """Begin a run with the state that the last acknowledged, or with a request that it had not carried out."""
        remembered = (self.folder / "captures" / FILE_NAME).exists()
        for name, on in self.switches:
            self.possible = {on} if self.granted(name) else self.possible | {on}
        assert remembered in self.possible, "a switch is remembered"
        # A power cut may undo an unconfirmed switch to off, but never to on.
        if remembered or not self.disk.unsynced:
            self.possible = {remembered}
        self.sealed = remembered
        self.switches.clear()
        self.told_before = len(self.broker.told)
        super().begin()

    def switch(self, *, on: bool, by_set: bool) -> str:
        """Ask for privacy, or for its end; while there is no broker, by HTTP."""
        verb = "set" if by_set else "privacy"
        fields: dict[str, object] = {"key": PRIVACY_KEY, "value": on} if by_set else {"enable": on}
        if on and not self.is_private:
            self.told_before = len(self.broker.told)
        self.switches.append((f"c{self.names + 1}", on))
        name = self.ask(verb, fields)
        if not self.is_connected:
            self.harness.put(CommandArrived(verb, self.asked[name][1], self.clock.monotonic(), origin="http"))
        return name

    # ------------------------------------------------------------ what people ask

    @rule(on=st.booleans(), by_set=st.booleans())
    def privacy_is_switched(self, on: bool, by_set: bool) -> None:
        name = self.switch(on=on, by_set=by_set)
        self.harness.work()
        replies = self.harness.finals(name)
        assert len(replies) == 1, "one final reply"
        assert replies[0]["ok"] or self.disk.is_full, replies
        assert self.is_private is on, "it begins, whatever the disk says"

    @rule(on=st.booleans(), by_set=st.booleans())
    def privacy_is_asked_for(self, on: bool, by_set: bool) -> None:
        self.switch(on=on, by_set=by_set)

    # ------------------------------------------------------------ what must be true

    @invariant()
    def nothing_is_seen_in_privacy(self) -> None:
        assert self.harness.camera.is_held is self.is_private
        if not self.is_private:
            return
        core = self.harness.node._core
        assert (len(core.ring), core.latest, core.camera_online, self.harness.node._parts.hub.latest) == (
            0,
            None,
            False,
            None,
        )
        for message in self.broker.told[self.told_before :]:
            assert not any(sign in message.payload for sign in PIXELS), (message.topic, message.payload[:80])

    @invariant()
    def the_broker_knows_of_privacy(self) -> None:
        if not self.is_connected or not all(self.harness.finals(name) for name, _ in self.switches):
            return
        held = self.broker.retained
        private = self.is_private
        assert held[f"{BASE}/state/privacy"] == (b"ON" if private else b"OFF")
        assert held[f"{BASE}/config/{PRIVACY_KEY}"] == (b"on" if private else b"off")
        if private:
            assert not PICTURES & held.keys(), "no picture stays at the broker"
