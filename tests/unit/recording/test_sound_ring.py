"""The ring of sound for encoded pictures."""

from __future__ import annotations

from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of
from pi_cam_node.recording.sound_ring import KEPT_S, SILENT_S, SoundRing

AAC = bytes.fromhex("1408")  # LC, 16 kHz, mono


def frame(mono_s: float) -> Packet:
    return Packet(mono_s, False, f"{mono_s:.3f}".encode(), PacketFacts(pts_of(mono_s), sound=AAC))


def ring(*times: float) -> SoundRing:
    made = SoundRing(lambda: True)
    for mono_s in times:
        made.append(frame(mono_s))
    return made


def read(sound: SoundRing, *pictures_s: float) -> list[Packet]:
    """Return the frames that a new reader hands out with these pictures."""
    reader = sound.reader()
    return [frame for mono_s in pictures_s for frame in reader.until(mono_s)]


def test_frames_come_with_the_picture_that_follows_them_each_once_from_that_of_the_first_on() -> None:
    sound = ring(1.0, 1.1, 1.2, 1.3)
    reader = sound.reader()
    assert [each.mono_s for each in reader.until(1.15)] == [1.1]
    assert reader.until(1.15) == []
    sound.append(frame(1.4))
    assert [each.data for each in reader.until(1.4)] == [b"1.200", b"1.300", b"1.400"]


def test_a_reader_of_an_empty_ring_begins_with_what_comes() -> None:
    sound = ring()
    reader = sound.reader()
    assert reader.until(9.0) == []
    sound.append(frame(8.0))
    assert [each.facts.sound for each in reader.until(9.0)] == [AAC]


def test_a_frame_that_seems_to_begin_before_the_one_before_stays_behind_it() -> None:
    sound = ring(1.0, 1.2, 1.1)
    assert [each.data for each in read(sound, 1.0, 1.2)] == [b"1.000", b"1.200", b"1.100"]


def test_sound_is_kept_for_two_minutes_and_forgotten_at_once_where_it_must_be() -> None:
    sound = ring(0.0, 1.0, KEPT_S + 0.5)
    assert [each.mono_s for each in read(sound, -1.0, 1e9)] == [1.0, KEPT_S + 0.5]
    assert sound.newest_for(KEPT_S) is not None
    sound.clear()
    assert sound.size_bytes == 0
    assert read(sound, -1.0, 1e9) == []


def test_nothing_is_told_of_sound_that_is_not_wanted() -> None:
    is_wanted = True
    sound = SoundRing(lambda: is_wanted)
    sound.append(frame(1.0))
    assert sound.newest_for(1.0) is not None
    is_wanted = False
    assert sound.newest_for(1.0) is None


def test_sound_that_ended_before_pictures_began_is_not_told_of_them() -> None:
    """A camera that came back without sound had a track of silence in all that followed."""
    sound = ring(10.0)
    assert sound.newest_for(5.0) is not None, "pictures of the past had it"
    assert sound.newest_for(10.0 + SILENT_S) is not None
    assert sound.newest_for(10.1 + SILENT_S) is None
