"""The encoder's process: priority, and planes in shared memory."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra video is not installed")

import av

from pi_cam_node.imaging.jpeg import Pixels, encode, to_i420
from pi_cam_node.imaging.packet import TIMESCALE_HZ
from pi_cam_node.recording.encoder.child_main import PictureEncoder, serve
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder.wire import PLANES, Message, MessageReader

START_S, RATE_HZ = 1000, 10


class Link:
    """A socket from which pictures come, one at a time."""

    def __init__(self, count: int) -> None:
        self._left = [Message("picture", START_S * TIMESCALE_HZ + n * TIMESCALE_HZ // RATE_HZ) for n in range(count)]
        self.sent: list[bytes] = []

    def recvmsg(self, _size: int, _ancillary_bytes: int) -> tuple[bytes, list[Any], int, None]:
        return self._left.pop(0).header() if self._left else b"", [], 0, None

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)


class Encoder:
    """Answers each picture."""

    def encode_jpeg(self, _jpeg: bytes, ticks: int, *, key: bool) -> list[Message]:
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


SIZE = (320, 240)
PAGE_BYTES = 4096


class Node:
    """The node's end: memory with planes, and the stream of messages."""

    def __init__(self) -> None:
        self.link, self.theirs = socket.socketpair()
        self.memory = os.memfd_create("planes")
        self._ticks = 0

    def _next_ticks(self) -> int:
        self._ticks += TIMESCALE_HZ // RATE_HZ
        return self._ticks

    def send_jpeg(self, bgr: Pixels) -> None:
        jpeg = encode(to_i420(bgr), "i420", 95)
        self.link.sendall(Message("picture", self._next_ticks(), 0, jpeg).header() + jpeg)

    def send_planes(self, bgr: Pixels, at_bytes: int = PAGE_BYTES) -> None:
        planes = to_i420(bgr).tobytes()
        os.pwrite(self.memory, planes, at_bytes)
        self.send_place(PLANES.pack(bgr.shape[1], bgr.shape[0], at_bytes), [self.memory])

    def send_place(self, place: bytes, descriptors: Sequence[int]) -> None:
        message = Message("planes", self._next_ticks(), 0, place).header() + place
        if descriptors:
            socket.send_fds(self.link, [message], descriptors)
        else:
            self.link.sendall(message)

    def answers(self, wanted: VideoFormat | None = None) -> list[Message]:
        """Let the process work until it has everything; return what it said."""
        self.link.shutdown(socket.SHUT_WR)
        serve(self.theirs, PictureEncoder(wanted or VideoFormat(90)))
        self.theirs.close()
        came, reader = list[Message](), MessageReader()
        while data := self.link.recv(1 << 20):
            came += reader.feed(data)
        return came

    def close(self) -> None:
        for end in (self.link, self.theirs):
            end.close()
        os.close(self.memory)


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    yield made
    made.close()


def colours(step: int = 0, size: tuple[int, int] = SIZE) -> Pixels:
    """Return a picture with every grey from black to white, and colours below."""
    width, height = size
    down, across = np.mgrid[0:height, 0:width]
    ramp = across * 255 // (width - 1)
    colour = np.dstack([ramp, (down + step) % 256, 255 - ramp])
    return np.where((down < height // 2)[..., None], ramp[..., None], colour).astype(np.uint8)


def pictures_in(packets: Sequence[Message]) -> list[Any]:
    decoder: Any = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet.body))]
    return [*frames, *decoder.decode(None)]


def test_planes_and_jpegs_become_the_same_video(node: Node) -> None:
    """In turn, in one stream: colours and their range are the same, to what a JPEG of quality 95 loses."""
    for _ in range(3):
        node.send_jpeg(colours())
        node.send_planes(colours())
    size, *packets = node.answers()
    assert (size.kind, size.number, size.flag) == ("size", *SIZE)
    assert [packet.kind for packet in packets] == ["packet"] * 6
    assert [packet.flag for packet in packets] == [1, 0, 0, 0, 0, 0]
    frames = pictures_in(packets)
    expected = to_i420(colours())[: SIZE[1]].astype(int)
    for frame in frames:
        assert (frame.color_range, frame.colorspace) == (2, 5)
        luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(SIZE[1], -1)[:, : SIZE[0]].astype(int)
        assert np.abs(luma - expected).mean() < 2
        assert luma.min() < 4
        assert luma.max() > 251
    of_jpeg, of_planes = (
        [np.frombuffer(bytes(plane), np.uint8).mean() for plane in frame.planes] for frame in frames[4:6]
    )
    assert of_jpeg == pytest.approx(of_planes, abs=0.5)


def test_each_picture_in_planes_is_shown_as_it_was_when_it_was_told(node: Node) -> None:
    for number in range(4):
        node.send_planes(colours(40 * number), PAGE_BYTES * 100 * number)
    shown = list(pictures_in(node.answers()[1:]))
    assert len(shown) == 4
    for number, frame in enumerate(shown):
        luma = np.frombuffer(bytes(frame.planes[0]), np.uint8).reshape(SIZE[1], -1)[:, : SIZE[0]].astype(int)
        assert np.abs(luma - to_i420(colours(40 * number))[: SIZE[1]]).mean() < 4


@pytest.mark.parametrize(
    "wanted", [VideoFormat(90), VideoFormat(60, (160, 120), 300_000)], ids=["quality", "bounded rate"]
)
@pytest.mark.parametrize("size", [SIZE, (2, 2), (66, 50)])
def test_the_packet_of_a_picture_comes_before_the_next_picture(wanted: VideoFormat, size: tuple[int, int]) -> None:
    """Its planes are overwritten from then on: an encoder that looked ahead would read those of another picture."""
    encoder = PictureEncoder(wanted)
    for ticks in range(0, 3 * TIMESCALE_HZ, TIMESCALE_HZ // RATE_HZ):
        planes = to_i420(colours(ticks // 1000, size)).tobytes()
        came = [answer for answer in encoder.encode_planes(planes, size, ticks, key=False) if answer.kind != "size"]
        assert [(answer.kind, answer.number) for answer in came] == [("packet", ticks)]


@pytest.mark.parametrize(
    ("expected_hz", "rates_hz", "encoders"),
    [(30, (30,), 1), (10, (30,), 2), (10, (10, 30), 2), (2, (2,), 1), (30, (2,), 2), (30, (0.5, 30), 3), (10, (9,), 1)],
)
def test_a_bit_rate_is_kept_whatever_the_rate_of_pictures(
    expected_hz: float, rates_hz: Sequence[float], encoders: int
) -> None:
    """At 30 pictures a second it was three times as high, and at 2 a fifth."""
    encoder = PictureEncoder(VideoFormat(bitrate=100_000, rate_hz=expected_hz))
    noise = np.random.default_rng(1).integers(0, 256, (4, 96, 64), np.uint8)
    second, number, sizes, bits = 0.0, 0, 0, [0] * 16
    for rate_hz, until_s in zip(rates_hz, (8, 16) if len(rates_hz) > 1 else (16,), strict=True):
        while second < until_s:
            planes = noise[number % 4].tobytes()
            for answer in encoder.encode_planes(planes, (64, 64), round((100 + second) * TIMESCALE_HZ), key=False):
                sizes += answer.kind == "size"
                bits[int(second)] += len(answer.body) * 8
            second, number = second + 1 / rate_hz, number + 1
    assert sizes == encoders
    assert 70_000 < sum(bits[12:]) / 4 < 125_000
    assert max(bits) < 400_000


def test_planes_of_another_size_begin_anew(node: Node) -> None:
    for size in (SIZE, (324, 244), SIZE):
        node.send_planes(colours(size=size))
    answers = node.answers()
    assert [answer.kind for answer in answers] == ["size", "packet"] * 3
    assert [(answer.number, answer.flag) for answer in answers[::2]] == [SIZE, (324, 244), SIZE]


def test_planes_are_made_smaller_where_the_video_is(node: Node) -> None:
    node.send_planes(colours())
    size, packet = node.answers(VideoFormat(90, (160, 160)))
    assert (size.number, size.flag) == (160, 120)
    assert pictures_in([packet])[0].width == 160


def test_no_descriptor_is_left_open(node: Node) -> None:
    for number in range(4):
        node.send_planes(colours(number))
    before = set(Path("/proc/self/fd").iterdir())
    assert node.answers()
    assert set(Path("/proc/self/fd").iterdir()) <= before


@pytest.mark.parametrize(
    ("place", "with_memory"),
    [
        (PLANES.pack(320, 240, 0), False),
        (PLANES.pack(321, 240, 0), True),
        (PLANES.pack(320, 240, 1 << 20), True),
        (PLANES.pack(320, 240, 100), True),
        (b"", True),
    ],
    ids=["without memory", "odd", "beyond its end", "not on a page", "no place"],
)
def test_planes_that_cannot_be_read_end_the_process_in_words(node: Node, place: bytes, with_memory: bool) -> None:
    os.truncate(node.memory, 1 << 20)
    node.send_place(place, [node.memory] if with_memory else [])
    with pytest.raises(ValueError, match="planes"):
        node.answers()
