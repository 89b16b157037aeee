"""Clips: copied from packets of a running encoder, else encoded."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import NodeError, NoSpace, PrivacyOn
from pi_cam_node.core.film import ClipOrder, Film
from pi_cam_node.imaging.h264 import to_sample
from pi_cam_node.imaging.packet import Packet, PacketFacts, Track, pts_of
from pi_cam_node.recording.clip import ClipMaker
from pi_cam_node.recording.encoder.process import EncoderProcess
from pi_cam_node.recording.encoder.video_format import VideoFormat
from pi_cam_node.recording.encoder.wire import Message
from pi_cam_node.recording.encoder_pool import EncoderPool
from pi_cam_node.recording.film_folder import FilmFolder
from pi_cam_node.recording.live_encoder import LiveEncoder, PictureReader
from pi_cam_node.recording.sound_ring import SoundRing
from tests.support.fakes.clock import FakeClock
from tests.support.film_folder import film_folder
from tests.support.h264 import access_unit

START_S, FPS = 100.0, 10


class RunningClock(FakeClock):
    """Each reading advances the time by a twentieth of a second, so that waits time out."""

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        self.advance(0.05)
        return super().monotonic()


class EncodedAnew(Exception):
    """The clip began an encode of its own."""


def _unused(*_arguments: object) -> Any:
    raise AssertionError("the encoder's thread does not run")


class Rig:
    """Pictures at ten per second, and a running encoder that is in use elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.clock = RunningClock()
        self.last_s = START_S
        self.encoder = LiveEncoder(_unused, self.clock, _unused)
        self.pool = EncoderPool([self.encoder])
        self.pool.acquire(START_S)
        self._track = self.encoder.stream.begin(Track((640, 480)))
        self._count = 0
        self.maker = ClipMaker(
            film_folder(folder, self.clock),
            pictures=self._pictures,
            clock=self.clock,
            packets=self.pool,
            sound=SoundRing(),
            make=self._make,
        )

    def _pictures(self, mono_s: float) -> PictureReader:
        record = SimpleNamespace(mono_s=min(self.last_s, mono_s))
        return SimpleNamespace(missed=0, next=lambda: (record, b""))

    def _make(self, _wanted: VideoFormat) -> EncoderProcess:
        raise EncodedAnew

    def encode(self, count: int, *, after_loss: bool = False) -> None:
        for _ in range(count):
            mono_s, key = START_S + self._count / FPS, self._count % FPS == 0
            data = access_unit(self._count, key=key)
            facts = PacketFacts(pts_of(mono_s), track=self._track, after_loss=after_loss)
            self.encoder.stream.append(Packet(mono_s, key, data, facts))
            self._count += 1

    def clip(self, first_s: float, last_s: float, meanwhile: Callable[[], None] = lambda: None) -> Film:
        order = ClipOrder(first_s, last_s, 60, masked=False)
        return self.maker.make(order, lambda _done, _total: meanwhile())


def test_a_clip_of_what_is_recorded_or_watched_is_copied(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.encode(50)
    rig.last_s = START_S + 4.9
    film = rig.clip(START_S + 2.0, START_S + 4.9)
    assert (film.frames, film.gap_s) == (30, 0.0)
    content = film.path.read_bytes()
    assert all(
        (to_sample(access_unit(number, key=number % FPS == 0)) in content) == (number >= 20) for number in range(50)
    )
    assert rig.pool.share(START_S) is rig.encoder, "who had it before still has it"


def test_a_short_loss_before_a_copied_packet_is_told_as_a_gap(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.encode(18)
    rig._count += 2  # lost, and less than a gap by its length
    rig.encode(1, after_loss=True)
    rig.encode(19)
    rig.last_s = START_S + 3.9
    film = rig.clip(START_S, START_S + 3.9)
    assert film.frames == 38
    assert film.gap_s == pytest.approx(0.3)


def test_it_waits_for_pictures_that_are_still_being_encoded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.encode(30)
    rig.last_s = START_S + 3.9
    film = rig.clip(START_S + 2.0, START_S + 3.95, lambda: rig.encode(1))
    assert film.frames == 20


def test_an_encoder_that_does_not_come_after_is_not_waited_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.encode(30)
    rig.last_s = START_S + 3.9
    with pytest.raises(EncodedAnew):
        rig.clip(START_S + 2.0, START_S + 4.0, lambda: rig.clock.advance(1.0))
    rig.encoder.failure = "the encoder ended"
    with pytest.raises(EncodedAnew):
        rig.clip(START_S + 2.0, START_S + 4.0)


def test_a_clip_from_before_the_encode_is_encoded(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.encode(30)
    with pytest.raises(EncodedAnew):
        rig.clip(START_S - 1.0, START_S + 2.0)


class Encoder:
    """Stands in for the encoder's process: each picture is a packet at once."""

    has_room, waiting = True, 0

    def __init__(self) -> None:
        self._sent: list[int] = []

    def send(self, _jpeg: bytes, ticks: int) -> None:
        self._sent.append(ticks)

    def exchange(self, _timeout_s: float) -> list[Message]:
        sent, self._sent = self._sent, []
        packets = [Message("packet", ticks, 1, access_unit(0, key=True)) for ticks in sent]
        return [Message("size", 640, 480), *packets]

    def close(self) -> None:
        """End."""


class OvertakenReader:
    """Three pictures of the ring were evicted before they were read."""

    missed = 0

    def __init__(self) -> None:
        self._numbers = iter((0, 1, 2, 6, 7))

    def next(self) -> tuple[Any, bytes] | None:
        number = next(self._numbers, None)
        self.missed = 3 if number == 6 else 0
        return None if number is None else (SimpleNamespace(mono_s=START_S - 2 + number / FPS), b"")


def test_pictures_that_left_the_ring_before_they_were_encoded_are_a_gap(tmp_path: Path, mocker: MockerFixture) -> None:
    rig = Rig(tmp_path)
    mocker.patch.object(rig.maker, "_pictures", return_value=OvertakenReader())
    mocker.patch.object(rig.maker, "_make", return_value=Encoder())
    film = rig.clip(START_S - 2, START_S)
    assert film.frames == 5
    assert film.gap_s == pytest.approx(0.4)


def test_privacy_ends_the_wait_and_the_packets_go_with_their_last_user(tmp_path: Path) -> None:
    def private() -> None:
        raise PrivacyOn("privacy is on")

    rig = Rig(tmp_path)
    rig.encode(30)
    rig.last_s = START_S + 3.9
    with pytest.raises(PrivacyOn):
        rig.clip(START_S + 2.0, START_S + 3.95, private)
    stream = rig.encoder.stream
    rig.pool.release(rig.encoder)
    assert (stream.size_bytes, list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoSpace("the reserve must stay free"), "no_space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no_space"),
        (OSError(errno.EROFS, "Read-only file system"), "not_saved"),
    ],
)
def test_a_clip_without_room_says_that_it_is_the_room(
    tmp_path: Path, mocker: MockerFixture, error: OSError, code: str
) -> None:
    mocker.patch.object(FilmFolder, "make_room", side_effect=error)
    with pytest.raises(NodeError, match="cannot make a clip") as caught:
        Rig(tmp_path).clip(START_S, START_S + 1)
    assert caught.value.code == code
