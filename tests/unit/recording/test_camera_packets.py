"""The ring of the camera's packets, and films copied from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.config import Config
from pi_cam_node.core.film import ClipOrder
from pi_cam_node.imaging.h264 import to_sample
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of
from pi_cam_node.recording.camera_packets import (
    FILM_KEY_DISTANCE_S,
    LIVE_KEY_DISTANCE_S,
    CameraFirst,
    CameraPackets,
    PreRoll,
)
from pi_cam_node.recording.clip_copy import copy_clip
from pi_cam_node.recording.encoder_pool import PacketSource
from pi_cam_node.recording.packet_stream import PacketStream
from tests.support.fakes.clock import FakeClock
from tests.support.film_folder import film_folder
from tests.support.h264 import access_unit, number_of

FPS, GOP = 10, 20
SIZE = (640, 480)


class Rig:
    """A camera's packets at ten a second, a key frame each two seconds."""

    def __init__(self, keep_s: float = 3.0, *, has_sound: bool = False) -> None:
        self.clock = FakeClock()
        self.is_private = False
        self.has_sound = has_sound
        self.packets = CameraPackets(lambda: keep_s, lambda: self.is_private, self.clock, lambda: self.has_sound)
        self.start_s = self.clock.monotonic()
        self.number = 0

    def send(self, count: int, session: int = 1, track: int = 0, *, has_keys: bool = True) -> None:
        for _ in range(count):
            mono_s = self.start_s + self.number / FPS
            self.clock.advance(max(0.0, mono_s - self.clock.monotonic()))
            key = has_keys and self.number % GOP == 0
            facts = PacketFacts(pts_of(mono_s), track=track)
            data = access_unit(self.number, key=key)
            self.packets.take(session, SIZE, [Packet(mono_s, key, data, facts)])
            self.number += 1

    def read(self, from_s: float) -> list[int]:
        reader = self.packets.stream.reader_since(from_s)
        found = []
        while (item := reader.next()) is not None:
            found.append(number_of(to_sample(item[1])))
        return found


class Encoder:
    """A supply of encoded packets."""

    failure, is_drained, has_ended = "", True, False
    key_distance_s = 0.0

    def __init__(self) -> None:
        self.stream = PacketStream()
        self.users = 0

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> PacketSource:
        self.users += 1
        return self

    def share(self, from_mono_s: float) -> PacketSource | None:
        return self

    def release(self, source: PacketSource) -> None:
        self.users -= 1


def test_whole_groups_that_are_older_than_the_pre_roll_go() -> None:
    rig = Rig(keep_s=3.0)
    rig.send(10 * GOP + 1)
    kept = rig.read(0.0)
    assert kept[0] == 8 * GOP, "the key frame before the pre-roll and a second more, and what came since"
    assert kept[-1] == 10 * GOP
    rig.send(5)
    now_s = rig.clock.monotonic()
    assert rig.read(now_s - 3.0)[0] <= rig.number - 31


def test_a_reader_begins_with_a_key_frame() -> None:
    rig = Rig()
    rig.send(3 * GOP)
    assert rig.read(rig.start_s + 2.55)[0] == GOP


def test_what_the_camera_sent_before_it_was_away_is_not_the_beginning_of_what_comes_after() -> None:
    rig = Rig()
    rig.send(GOP + 5)
    rig.number = 6 * GOP
    rig.send(GOP, session=2)
    assert rig.read(rig.start_s + 11.0)[0] == 6 * GOP
    assert rig.read(rig.start_s + 2.1)[0] == GOP


def test_another_session_or_another_parameter_set_is_another_track() -> None:
    rig = Rig()
    rig.send(GOP)
    rig.send(GOP, track=1)
    rig.send(GOP, session=2)
    reader, tracks = rig.packets.stream.reader_since(0.0), []
    while (item := reader.next()) is not None:
        tracks.append(item[0].meta.track)
    assert tracks == [1] * GOP + [2] * GOP + [3] * GOP
    assert rig.packets.stream.track(3) is not None


def test_films_and_live_video_are_encoded_where_the_camera_s_key_frames_are_too_far_apart() -> None:
    rig, encoder = Rig(), Encoder()
    films = CameraFirst(rig.packets, encoder, lambda: "auto")
    live = CameraFirst(rig.packets, encoder, lambda: "auto", LIVE_KEY_DISTANCE_S)

    def copied() -> tuple[bool, bool]:
        sources = films.acquire(0.0), live.acquire(0.0)
        assert films.encoder == ("camera" if sources[0] is rig.packets else "software")
        return sources[0] is rig.packets, sources[1] is rig.packets

    rig.send(GOP + 1)
    assert copied() == (True, True)
    rig.send(round(LIVE_KEY_DISTANCE_S * FPS) + 1, has_keys=False)
    assert copied() == (True, False)
    rig.send(2 * GOP)
    assert copied() == (True, True), "as often as before"
    rig.send(round(FILM_KEY_DISTANCE_S * FPS) + 1, has_keys=False)
    assert copied() == (False, False)
    assert films.share(rig.start_s) is encoder
    rig.number += 40 * GOP
    rig.send(GOP, session=2)
    assert copied() == (True, True), "the time that it was away does not count"


def test_what_comes_before_the_first_key_frame_of_a_track_is_left_out() -> None:
    rig = Rig()
    rig.number = 5
    rig.send(3 * GOP - 5)
    assert rig.read(0.0)[0] == GOP


def test_nothing_is_kept_in_privacy() -> None:
    rig = Rig()
    rig.send(GOP)
    rig.is_private = True
    rig.send(1)
    assert rig.read(0.0) == []
    rig.is_private = False
    rig.send(5)
    assert rig.read(0.0) == [], "nothing can be decoded before the next key frame"


def test_a_picture_without_packets_ends_what_is_not_to_be_kept() -> None:
    rig = Rig(has_sound=True)
    rig.send(GOP)
    rig.packets.take(1, SIZE, [])
    assert rig.packets.stream.size_bytes
    rig.is_private = True
    rig.packets.take(1, SIZE, [])
    assert rig.packets.size_bytes == 0


def test_films_are_copied_where_packets_come_and_encoded_else() -> None:
    rig, encoder = Rig(), Encoder()
    choice: list[PreRoll] = ["auto"]
    supply = CameraFirst(rig.packets, encoder, lambda: choice[0])
    assert supply.acquire(0.0) is encoder, "the camera has sent none"
    rig.send(GOP)
    source = supply.acquire(rig.start_s)
    assert source is rig.packets
    supply.release(source)
    assert supply.acquire(rig.start_s, spacing_s=0.5) is encoder, "packets cannot be thinned out"
    choice[0] = "pictures"
    assert supply.acquire(rig.start_s) is encoder
    assert supply.share(rig.start_s) is encoder
    choice[0] = "packets"
    assert supply.share(rig.start_s) is rig.packets
    assert supply.share(rig.start_s - 1) is encoder, "a clip that begins before them is encoded"
    rig.clock.advance(6)
    assert rig.packets.has_ended
    assert supply.acquire(rig.start_s) is encoder, "it sends none any more"
    assert encoder.users == 4
    supply.release(encoder)
    assert encoder.users == 3


AAC = bytes.fromhex("1408")


def send_sound(rig: Rig, mono_s: float, config: bytes = AAC) -> None:
    packet = Packet(mono_s, False, b"sound", PacketFacts(pts_of(mono_s), sound=config))
    rig.packets.take(1, SIZE, [packet])


def sounds(rig: Rig) -> list[int]:
    reader, found = rig.packets.stream.reader_since(0.0), []
    while (item := reader.next()) is not None:
        if item[0].meta.sound:
            found.append(item[0].meta.pts - pts_of(rig.start_s))
    return found


def test_sound_stands_with_the_picture_before_it_and_takes_none_its_place() -> None:
    rig = Rig(has_sound=True)
    rig.send(3)
    send_sound(rig, rig.start_s + 0.15)
    send_sound(rig, rig.start_s + 0.35)
    rig.send(2)
    assert sounds(rig) == [13_500, 31_500]
    assert rig.packets.stream.last_mono_s == rig.start_s + 0.4, "the picture after sound that came early is there"
    assert len(rig.packets.stream.key_times()) == 1
    assert rig.packets.stream.sound == AAC


def test_sound_goes_with_its_pictures() -> None:
    rig = Rig(has_sound=True)
    rig.send(1)
    send_sound(rig, rig.start_s + 0.05)
    rig.send(10 * GOP)
    assert sounds(rig) == []


def test_no_sound_is_kept_where_it_is_off_nor_used_once_it_was_switched_off() -> None:
    rig = Rig(has_sound=True)
    rig.send(1)
    send_sound(rig, rig.start_s + 0.05)
    assert rig.packets.sound.size_bytes > 0
    rig.has_sound = False
    send_sound(rig, rig.start_s + 0.06)
    assert sounds(rig) == [4_500]
    assert rig.packets.sound.size_bytes == 0
    assert not rig.packets.stream.sound, "films that are open take no more of it, and new ones have none"


def test_no_sound_is_kept_in_privacy_before_pictures_or_without_a_format() -> None:
    rig = Rig(has_sound=True)
    send_sound(rig, rig.start_s)
    rig.send(1)
    send_sound(rig, rig.start_s, b"\xff\xff")
    assert sounds(rig) == []
    send_sound(rig, rig.start_s)
    assert sounds(rig) == [0]
    assert rig.packets.sound.size_bytes > 0
    rig.is_private = True
    send_sound(rig, rig.start_s)
    assert sounds(rig) == []
    assert not rig.packets.stream.sound
    assert rig.packets.sound.size_bytes == 0


def test_a_camera_whose_sound_ends_has_none_some_seconds_later() -> None:
    rig = Rig(has_sound=True)
    rig.send(1)
    send_sound(rig, rig.start_s)
    rig.send(3 * FPS)
    assert rig.packets.stream.sound == AAC
    rig.send(1)
    assert not rig.packets.stream.sound, "a film that begins now has no track of it"


def test_a_clip_that_is_copied_tells_the_group_of_pictures_that_is_missing(tmp_path: Path) -> None:
    rig = Rig(keep_s=10.0)
    rig.send(GOP)
    rig.number += 8
    rig.send(GOP)
    order = ClipOrder(rig.start_s, rig.start_s + 10.0, 60, masked=False)
    film = copy_clip(rig.packets.stream, order, lambda _done, _all: None, film_folder(tmp_path, rig.clock))
    assert film is not None
    assert film.gap_s == pytest.approx(0.9)


def test_a_pre_roll_of_ten_seconds_takes_at_most_4_mb_and_little_more_than_its_packets() -> None:
    """Packets of 2.4 Mbit/s, 30 a second, as they are kept for a pre-roll of 10 s."""
    config, clock = Config(), FakeClock()
    keep_s = 10 + config.motion.min_s
    packets = CameraPackets(lambda: keep_s, lambda: False, clock)
    ring, taken, held = packets.stream._ring, [], []
    for number in range(30 * 90):
        clock.advance(1 / 30)
        key = number % 30 == 0
        data = access_unit(number, key=key, size_bytes=40_000 if key else 8_960)
        facts = PacketFacts(pts_of(clock.monotonic()))
        packets.take(1, SIZE, [Packet(clock.monotonic(), key, data, facts)])
        if number > 30 * 30:
            taken.append(ring.touched_bytes)
            held.append(ring.size_bytes)
    first_s = packets.stream.first_mono_s
    assert first_s is not None
    assert clock.monotonic() - first_s >= keep_s + 0.5, "an event is noticed after it began"
    assert max(taken) <= 4_000_000
    assert sum(taken) / sum(held) <= 1.1


def test_a_pre_roll_stays_as_long_when_the_rate_of_the_video_rises() -> None:
    """Three times the rate, as when something moves in a quiet picture."""
    config, clock = Config(), FakeClock()
    keep_s = 10 + config.motion.min_s
    packets = CameraPackets(lambda: keep_s, lambda: False, clock)
    for number in range(30 * 60):
        clock.advance(1 / 30)
        key, rate = number % 30 == 0, 3 if number > 30 * 43 else 1
        data = access_unit(number, key=key, size_bytes=rate * (40_000 if key else 8_960))
        packets.take(1, SIZE, [Packet(clock.monotonic(), key, data, PacketFacts(pts_of(clock.monotonic())))])
        first_s = packets.stream.first_mono_s
        assert first_s is not None
        assert number < 30 * 13 or clock.monotonic() - first_s >= keep_s
