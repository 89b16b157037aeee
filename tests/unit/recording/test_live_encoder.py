"""Encoding on demand: lost processes, and shared planes."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest

from pi_cam_node.base.block_ring import BlockRing
from pi_cam_node.base.clock import SystemClock
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of
from pi_cam_node.imaging.shared_planes import PlanesStore, SharedPlanes
from pi_cam_node.recording.encoder.process import EncoderLost
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.live_encoder import LiveEncoder
from pi_cam_node.recording.packet_stream import PacketStream
from pi_cam_node.recording.sound_ring import SoundRing
from tests.support.broker import wait_until
from tests.support.fakes.clock import FakeClock
from tests.support.h264 import access_unit

AAC = bytes.fromhex("1408")  # LC, 16 kHz, mono
PICTURES = 20


class Process:
    """Stands in for the encoder's process: answers each picture with a packet, and is lost after a few."""

    pid = 1
    has_room = True

    def __init__(
        self, answers: float, begun: Callable[[], None] = lambda: None, ended: Callable[[], object] = lambda: None
    ) -> None:
        self._ended = ended
        self._answers, self._asked, self._begun = answers, deque[int](), begun
        self._has_size = False
        self.planes: list[float] = []
        self._lent: dict[int, SharedPlanes] = {}

    @property
    def waiting(self) -> int:
        return len(self._asked)

    def send(self, _jpeg: bytes, ticks: int) -> None:
        self._asked.append(ticks)

    def send_planes(self, planes: SharedPlanes, ticks: int) -> None:
        self.planes.append(planes.mono_s)
        self._lent[ticks] = planes
        self._asked.append(ticks)

    def exchange(self, _timeout_s: float, _wakeup: int | None = None) -> Sequence[Message]:
        if not self._asked:
            return []
        if self._answers <= 0:
            raise EncoderLost("it ended")
        if not self._has_size:
            self._has_size = True
            return [Message("size", 640, 480)]
        self._begun()
        self._answers -= 1
        ticks = self._asked.popleft()
        if planes := self._lent.pop(ticks, None):
            planes.give_back()
        return [Message("packet", ticks, 1, access_unit(1, key=True, size_bytes=200))]

    def close(self) -> None:
        self._ended()
        self._asked.clear()
        for planes in self._lent.values():
            planes.give_back()


def test_sound_comes_once_although_the_process_is_lost_in_between() -> None:
    ring: BlockRing[None] = BlockRing(1 << 20)
    sound = SoundRing(lambda: True)
    for number in range(PICTURES):
        mono_s = 100 + number / 10
        ring.append(mono_s, b"jpeg", None)
        for begin_s in (mono_s, mono_s + 0.05):
            sound.append(Packet(begin_s, False, f"{begin_s:.2f}".encode(), PacketFacts(pts_of(begin_s), sound=AAC)))
    formats: list[bytes] = []
    processes = iter([Process(7, lambda: formats.append(encoder.stream.sound)), Process(float("inf"))])
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: next(processes),  # type: ignore[arg-type, return-value]
        sound=sound,
    )
    encoder.start()
    encoder.need(100.0)
    reader = encoder.stream.reader_since(0.0)
    try:
        wait_until(lambda: encoder.stream.last_mono_s > 101.89 and encoder.is_drained, "every picture", 30)
    finally:
        assert encoder.close(10)
    frames: list[bytes] = []
    while (item := reader.next()) is not None:
        frames += [item[1]] if item[0].meta.sound else []
    assert formats[0] == AAC, "a film that begins with the first picture knows of the sound"
    assert encoder.restarts == 1
    assert frames == [f"{100 + number / 20:.2f}".encode() for number in range(2 * PICTURES - 1)]


def test_the_packet_after_pictures_that_left_the_ring_before_they_were_encoded_says_so() -> None:
    ring: BlockRing[None] = BlockRing(1000)

    def shoot(numbers: range) -> None:
        for number in numbers:
            ring.append(100 + number / 10, bytes(100), None)

    shoot(range(5))
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf"), lambda: None if ring.records()[-1].mono_s > 101 else shoot(range(5, 25))),  # type: ignore[arg-type, return-value]
    )
    encoder.start()
    encoder.need(100.0)
    reader = encoder.stream.reader_since(0.0)
    try:
        wait_until(lambda: encoder.stream.last_mono_s > 102.39, "every picture", 30)
    finally:
        assert encoder.close(10)
    lost = [round((item[0].mono_s - 100) * 10) for item in iter(reader.next, None) if item[0].meta.after_loss]
    assert lost == [15]


def test_an_encode_that_is_over_says_nothing_of_the_next() -> None:
    """A film that is due already would have ended before its first picture, as none seemed to be left."""
    made, next_one, may_begin = list[Process](), threading.Event(), threading.Event()

    class Reader:
        """Reads the last picture of an encode while another is asked for."""

        missed = 0

        def next(self) -> None:
            if not next_one.is_set():
                encoder.release()
                encoder.need(200.0)

    def make() -> Process:
        if made:
            next_one.set()
            may_begin.wait(30)
        made.append(Process(float("inf")))
        return made[-1]

    encoder = LiveEncoder(lambda _mono_s: Reader(), SystemClock(), make)  # type: ignore[arg-type]
    encoder.start()
    encoder.need(100.0)
    try:
        assert next_one.wait(30)
        assert not encoder.is_drained
        may_begin.set()
        wait_until(lambda: encoder.is_drained, "no picture is left", 30)
    finally:
        may_begin.set()
        assert encoder.close(10)


def test_a_packet_that_comes_after_the_release_is_dropped() -> None:
    """In privacy no picture may be left, also not in a stream that somebody still reads."""
    ring: BlockRing[None] = BlockRing(1 << 20)
    ring.append(100.0, b"jpeg", None)
    streams = [PacketStream()]

    def release() -> None:
        streams.append(encoder.stream)
        encoder.release()

    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf"), release),  # type: ignore[arg-type, return-value]
    )
    encoder.start()
    encoder.need(100.0)
    try:
        wait_until(lambda: len(streams) > 1, "the first packet", 30)
        assert encoder.wait_released(30)
        assert streams[-1].size_bytes == 0
    finally:
        assert encoder.close(10)


def test_sound_begins_with_the_first_picture_also_where_pictures_are_seconds_apart() -> None:
    """By night the first picture is as long before the moment asked for; it was without sound up to that moment."""
    ring: BlockRing[None] = BlockRing(1 << 20)
    sound = SoundRing(lambda: True)
    for number in range(5):
        ring.append(100 + 2 * number, b"jpeg", None)
    for number in range(80):
        begin_s = 100 + number / 10
        sound.append(Packet(begin_s, False, f"{begin_s:.1f}".encode(), PacketFacts(pts_of(begin_s), sound=AAC)))
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf")),  # type: ignore[arg-type, return-value]
        sound=sound,
    )
    encoder.start()
    encoder.need(103.9)
    reader = encoder.stream.reader_since(0.0)
    try:
        wait_until(lambda: encoder.stream.last_mono_s > 107.99 and encoder.is_drained, "every picture", 30)
    finally:
        assert encoder.close(10)
    items = []
    while (item := reader.next()) is not None:
        items.append(item)
    assert items[0][0].mono_s == 102.0, "the picture that was current at the moment asked for"
    assert next(data for record, data in items if record.meta.sound) == b"102.0"


def test_a_camera_that_came_back_without_sound_has_none_in_its_video() -> None:
    ring: BlockRing[None] = BlockRing(1 << 20)
    sound = SoundRing(lambda: True)
    sound.append(Packet(90.0, False, b"long ago", PacketFacts(pts_of(90.0), sound=AAC)))
    for number in range(PICTURES):
        ring.append(100 + number / 10, b"jpeg", None)
    formats: list[bytes] = []
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf"), lambda: formats.append(encoder.stream.sound)),  # type: ignore[arg-type, return-value]
        sound=sound,
    )
    encoder.start()
    encoder.need(100.0)
    try:
        wait_until(lambda: encoder.stream.last_mono_s > 101.89, "every picture", 30)
    finally:
        assert encoder.close(10)
    assert set(formats) == {b""}


def test_planes_are_taken_where_there_are_some_and_each_picture_becomes_a_packet_once() -> None:
    ring: BlockRing[None] = BlockRing(1 << 20)
    store, returned, sent = PlanesStore(), list[float](), list[float]()
    processes = [Process(8), Process(float("inf"))]
    waiting = iter(processes)
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: next(waiting),  # type: ignore[arg-type, return-value]
        planes=store,
    )

    def shoot(number: int, *, planes: bool) -> None:
        mono_s = 100 + number / 10
        if planes:
            store.put(SharedPlanes(mono_s, (64, 48), 0, 0, lambda: returned.append(mono_s)))
            sent.append(mono_s)
        ring.append(mono_s, b"jpeg", None)
        wait_until(lambda: encoder.stream.last_mono_s > mono_s - 0.001, f"picture {number}", 30)

    ring.append(100.0, b"jpeg", None)
    assert not store.is_wanted
    encoder.start()
    encoder.need(100.0)
    reader, times = encoder.stream.reader_since(0.0), list[float]()
    try:
        wait_until(lambda: store.is_wanted, "an encoder that wants planes", 30)
        for number in range(1, PICTURES):
            shoot(number, planes=number % 3 > 0)
        while (item := reader.next()) is not None:
            times.append(item[0].mono_s)
        encoder.release()
        wait_until(lambda: not store.is_wanted, "an encoder that wants no more", 30)
    finally:
        assert encoder.close(10)
    assert encoder.restarts == 1
    assert times == pytest.approx([100 + number / 10 for number in range(PICTURES)], abs=1e-4)
    assert set(processes[0].planes + processes[1].planes) == set(sent)
    assert sorted(returned) == sent, "each comes back once, those of the lost process too"


def test_planes_are_released_only_when_the_process_has_ended() -> None:
    ring: BlockRing[None] = BlockRing(1 << 20)
    ring.append(100.0, b"jpeg", None)
    may_end = threading.Event()
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf"), ended=lambda: may_end.wait(30)),  # type: ignore[arg-type, return-value]
    )
    encoder.start()
    try:
        assert encoder.wait_released(0), "nobody has asked for anything"
        encoder.need(100.0)
        wait_until(lambda: encoder.stream.last_mono_s >= 100.0, "the picture", 30)
        encoder.release()
        assert not encoder.wait_released(0.3), "its process still holds a picture"
        may_end.set()
        assert encoder.wait_released(10)
    finally:
        may_end.set()
        assert encoder.close(10)


@pytest.mark.parametrize("wanted_fps", [2, 3, 4, 5, 10])
def test_a_lower_rate_is_kept_on_average_although_the_pictures_jitter(wanted_fps: float) -> None:
    ring: BlockRing[None] = BlockRing(1 << 20)
    noise = random.Random(1)
    for number in range(200):
        ring.append(100 + number / 10 + noise.uniform(-0.01, 0.01), b"jpeg", None)
    encoder = LiveEncoder(
        lambda mono_s: ring.reader(ring.key_before(mono_s)),
        SystemClock(),
        lambda: Process(float("inf")),  # type: ignore[arg-type, return-value]
    )
    encoder.start()
    try:
        encoder.need(99.0, 1 / wanted_fps)
        wait_until(lambda: encoder.is_drained and encoder.stream.last_mono_s > 119, "all pictures", 20)
        assert len(encoder.stream.key_times()) == pytest.approx(20 * wanted_fps, abs=2)
    finally:
        encoder.close(5)


class SlowProcess(Process):
    """Takes 0.4 s for a picture, by the clock that it advances."""

    def __init__(self, clock: FakeClock, until_s: float, reached: threading.Event) -> None:
        super().__init__(float("inf"))
        self._clock, self._until_s, self._reached = clock, until_s, reached

    def exchange(self, timeout_s: float, wakeup: int | None = None) -> Sequence[Message]:
        if self._clock.monotonic() >= self._until_s:
            self._reached.set()
            return []
        self._clock.advance(0.4)
        return super().exchange(timeout_s, wakeup)


@pytest.mark.parametrize(("may_skip", "late_s"), [(True, (2, 7)), (False, (40, 50))])
def test_live_video_of_a_slow_encoder_leaves_out_pictures_and_a_film_is_late(
    *, may_skip: bool, late_s: tuple[float, float]
) -> None:
    """The encoder takes 2.5 pictures a second, and the camera sends ten."""
    clock, reached = FakeClock(), threading.Event()
    begun_s, seconds = clock.monotonic(), 60

    class Reader:
        missed = 0
        number = 0

        def next(self) -> tuple[SimpleNamespace, bytes] | None:
            mono_s = begun_s + self.number / 10
            if mono_s > clock.monotonic():
                return None
            self.number += 1
            return SimpleNamespace(mono_s=mono_s), b"jpeg"

    encoder = LiveEncoder(
        lambda _mono_s: Reader(),
        clock,
        lambda: SlowProcess(clock, begun_s + seconds, reached),  # type: ignore[arg-type, return-value]
    )
    encoder.start()
    encoder.need(begun_s)
    encoder.may_skip = may_skip
    try:
        assert reached.wait(30)
        assert late_s[0] < clock.monotonic() - encoder.stream.last_mono_s < late_s[1]
        assert encoder.has(begun_s, 0.0) is not may_skip, "a film needs all pictures"
        assert encoder.has(begun_s, 0.0, is_live=True)
    finally:
        assert encoder.close(10)
