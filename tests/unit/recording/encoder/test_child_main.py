"""The encoder's process: when it gives way to the camera."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("av", reason="the extra video is not installed")

from pi_cam_node.recording.encoder.child_main import serve
from pi_cam_node.recording.encoder.wire import TICKS_PER_S, Message

START_S, RATE_HZ = 1000, 10


class Link:
    """A socket from which pictures come, one at a time."""

    def __init__(self, count: int) -> None:
        self._left = [Message("picture", START_S * TICKS_PER_S + n * TICKS_PER_S // RATE_HZ) for n in range(count)]
        self.sent: list[bytes] = []

    def recv(self, _size: int) -> bytes:
        return self._left.pop(0).header() if self._left else b""

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)


class Encoder:
    """Answers each picture."""

    def encode(self, _jpeg: bytes, ticks: int, *, key: bool) -> list[Message]:
        return [Message("packet", ticks, int(key))]


@pytest.mark.parametrize(("pictures", "answered_before"), [(31, []), (200, [41])])
def test_the_process_gives_way_after_what_a_first_viewer_waits_for(pictures: int, answered_before: list[int]) -> None:
    """A live view begins three seconds in the past; with a low priority a busy machine took twice as long for it."""
    link: Any = Link(pictures)
    encoder: Any = Encoder()
    found: list[int] = []
    serve(link, encoder, lambda: found.append(len(link.sent)))
    assert found == answered_before
    assert len(link.sent) == pictures
