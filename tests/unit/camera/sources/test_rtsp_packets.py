"""Reading of an RTSP stream with PyAV: pictures and packets; the conformance suite reads a real stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

from pi_cam_node.base.errors import SourceError  # noqa: E402 - after the check that PyAV is there
from pi_cam_node.camera.source import Controls, Shot  # noqa: E402
from pi_cam_node.camera.sources.rtsp_packets import RtspPacketSource  # noqa: E402
from pi_cam_node.config import CameraConfig  # noqa: E402
from pi_cam_node.imaging.h264 import parameter_sets  # noqa: E402
from tests.support.h264 import PPS, SPS, access_unit  # noqa: E402

RATE_HZ = 10
DAY = Controls("day", float(RATE_HZ), 2_000_000, 6.0, "still")
URL = "rtsp://cam:hunter2@porch.example/live"
SETS = b"\0\0\0\1" + SPS + b"\0\0\0\1" + PPS


class FakePacket:
    """A packet whose picture has its number as grey level."""

    is_corrupt = False

    def __init__(
        self, number: int, data: bytes, stream: Any, *, key: bool, pts: int | None, size: tuple[int, int]
    ) -> None:
        self.stream = stream
        self.data, self.is_keyframe, self.pts, self.dts = data, key, pts, pts
        self.size, self.time_base = len(data), Fraction(1, 90_000)
        self._number, self._picture = number, size

    def __bytes__(self) -> bytes:
        return self.data

    def decode(self) -> list[Any]:
        width, height = self._picture
        grey = np.full((height * 3 // 2, width), self._number, np.uint8)
        return [av.VideoFrame.from_ndarray(grey, format="yuvj420p")]


class FakeCamera:
    """Sends packets, ten a second, and is the clock that they are read by."""

    def __init__(
        self,
        *,
        codec: str = "h264",
        b_frames: int = 0,
        pixels: str = "yuvj420p",
        extradata: bytes = SETS,
        sound: SimpleNamespace | None = None,
    ) -> None:
        decoder = SimpleNamespace(
            name=codec,
            width=64,
            height=48,
            has_b_frames=b_frames,
            pix_fmt=pixels,
            extradata=extradata,
            thread_count=0,
        )
        stream = SimpleNamespace(codec_context=decoder, average_rate=Fraction(RATE_HZ, 1))
        self.stream, self.sound = stream, sound
        self.streams = SimpleNamespace(video=[stream], audio=[] if sound is None else [sound])
        self.sent: list[Any] = []
        self.now_s = 1000.0
        self.piled = 0
        self.late = range(0)  # these come together, as the last of them is due
        self.slowness = 1.0
        self.is_closed = False

    def add(self, *keys: bool, stamp: int | None = None, size: tuple[int, int] = (64, 48), sets: bool = False) -> None:
        for key in keys:
            number = len(self.sent) + 1
            data = access_unit(number, key=True) if key and sets else access_unit(number)
            if key and not sets:
                data = data[:4] + b"\x65" + data[5:]
            pts = (number if stamp is None else stamp) * 9_000
            self.sent.append(FakePacket(number, data, self.stream, key=key, pts=pts, size=size))

    def demux(self, *streams: object) -> Iterator[Any]:
        for number, packet in enumerate(self.sent):
            if packet.stream is self.stream:  # the sound came meanwhile
                comes_at_once = number < self.piled or number in self.late[1:]
                self.now_s += 0.001 if comes_at_once else self.slowness / RATE_HZ
                self.now_s += len(self.late) / RATE_HZ if number in self.late[:1] else 0.0
            if packet.stream in streams:
                yield packet
        raise av.error.ExitError(1, "Immediate exit requested")

    def close(self) -> None:
        self.is_closed = True


def opened(camera: FakeCamera, controls: Controls = DAY) -> RtspPacketSource:
    source = RtspPacketSource(URL, lambda _url: camera, lambda: camera.now_s)
    told = source.open(CameraConfig(), controls)
    assert (told.size, told.layout) == ((64, 48), "i420")
    assert "hunter2" not in told.source
    return source


def shots(camera: FakeCamera) -> list[Shot]:
    source, found = opened(camera), []
    with suppress(SourceError):
        while True:
            found.append(source.read())
    with pytest.raises(SourceError, match="no more pictures"):
        source.read()
    return found


def test_pictures_come_with_the_packets_that_they_are_made_of() -> None:
    camera = FakeCamera()
    camera.add(True, False, False, True, False)
    found = shots(camera)
    assert [int(shot.pixels[0, 0]) for shot in found] == [1, 2, 3, 4, 5]
    packets = [packet for shot in found for packet in shot.packets]
    assert [packet.key for packet in packets] == [True, False, False, True, False]
    assert [packet.mono_s for packet in packets] == [shot.captured_mono_s for shot in found]


def test_key_frames_have_the_parameter_sets_that_only_the_session_told() -> None:
    camera = FakeCamera()
    camera.add(True, False)
    (key, _other) = [packet for shot in shots(camera) for packet in shot.packets]
    assert parameter_sets(key.data) == (SPS, PPS)


def test_another_parameter_set_begins_another_track() -> None:
    camera = FakeCamera(extradata=b"\0\0\0\1" + SPS + b"x\0\0\0\1" + PPS)
    camera.add(True, False)
    camera.add(True, False, sets=True)
    assert [packet.facts.track for shot in shots(camera) for packet in shot.packets] == [0, 0, 1, 1]


def test_packets_begin_with_a_key_frame_and_go_on_with_one_after_a_damaged_one() -> None:
    camera = FakeCamera()
    camera.add(False, True, False, False, False, True)
    camera.sent[3].is_corrupt = True
    packets = [packet for shot in shots(camera) for packet in shot.packets]
    assert [packet.key for packet in packets] == [True, False, True]
    assert [packet.facts.after_loss for packet in packets[1:]] == [False, True]


def test_pictures_that_come_too_late_for_the_live_view_are_in_the_film() -> None:
    camera = FakeCamera()
    camera.add(True, *[False] * 59)
    camera.late = range(20, 50)
    found = shots(camera)
    left_out = set(range(1, 61)) - {int(shot.pixels[0, 0]) for shot in found}
    assert {25, 30, 35} < left_out < set(range(20, 45))
    assert len([packet for shot in found for packet in shot.packets]) == 60


def test_packets_that_wait_for_a_picture_are_bounded() -> None:
    camera = FakeCamera()
    camera.add(True, *[False] * 650, True, *[False] * 500)
    for packet in camera.sent:
        packet._number = 1
    source = opened(camera, replace(DAY, framerate=1 / 110))
    assert len(source.read().packets) == 1
    packets = source.read().packets
    assert (packets[0].key, packets[0].facts.after_loss) == (True, True)
    assert 100 < len(packets) < 200


def test_what_the_decoder_shows_nothing_of_is_in_no_film() -> None:
    camera = FakeCamera()
    camera.add(True, False, False, False, True, False)
    camera.sent[2].decode = list
    packets = [packet for shot in shots(camera) for packet in shot.packets]
    assert [packet.key for packet in packets] == [True, False, True, False]


@pytest.mark.parametrize(("count", "keys"), [(b"\x80", [True, True]), (b"\x40", [True])])
def test_a_film_begins_where_a_player_can(count: bytes, keys: list[bool]) -> None:
    """Of a camera that renews its picture strip by strip films began with two seconds that no player shows."""
    camera = FakeCamera()
    camera.add(True, True)
    picture = camera.sent[1]
    picture.data = b"\x00\x00\x00\x01\x06\x06\x01" + count + b"\x80" + access_unit(2)
    packets = [packet for shot in shots(camera) for packet in shot.packets]
    assert [packet.key for packet in packets if packet.key] == keys
    assert len(packets) == 2


def test_a_camera_with_several_parameter_sets_comes_as_pictures_alone() -> None:
    """Films had the first of them, with which half of their pictures could not be decoded."""
    other = b"\x00\x00\x00\x01\x68\xce\x3c\x81"
    camera = FakeCamera()
    camera.add(True, False, sets=True)
    camera.sent[0].data = other + camera.sent[0].data
    assert not any(shot.packets for shot in shots(camera))
    told = FakeCamera(extradata=SETS + other)
    told.add(True, False)
    assert not any(shot.packets for shot in shots(told))


def test_what_piled_up_while_the_stream_was_opened_is_of_the_past() -> None:
    camera = FakeCamera()
    camera.piled = 6
    camera.add(True, *[False] * 7, True, False)
    found = shots(camera)
    assert int(found[0].pixels[0, 0]) == 7
    packets = [packet for shot in found for packet in shot.packets]
    assert [packet.key for packet in packets] == [True, *[False] * 7, True, False], "a film needs its key frame"
    times = [packet.mono_s for packet in packets]
    assert all(after - before == pytest.approx(1 / RATE_HZ, abs=0.02) for before, after in pairwise(times))
    assert times[6] == found[0].captured_mono_s


@pytest.mark.parametrize("stamp", [None, 3, 90_000])
def test_what_piled_up_with_stamps_that_say_nothing_is_an_interval_apart(stamp: int | None) -> None:
    camera = FakeCamera()
    camera.piled = 3
    camera.add(True, False, False, False, False)
    camera.sent[0].pts = camera.sent[0].dts = stamp and stamp * 9_000
    camera.sent[1].pts = stamp and stamp * 9_000
    packets = [packet for shot in shots(camera) for packet in shot.packets]
    assert [packet.key for packet in packets] == [True, *[False] * 4]
    times = [packet.mono_s for packet in packets]
    assert all(after - before == pytest.approx(1 / RATE_HZ, abs=0.02) for before, after in pairwise(times))


@pytest.mark.parametrize(
    "camera",
    [
        FakeCamera(codec="hevc"),
        FakeCamera(b_frames=2),
        FakeCamera(extradata=b""),
        FakeCamera(pixels="yuv420p10le"),
        FakeCamera(pixels="yuv444p"),
    ],
)
def test_what_cannot_be_copied_comes_as_pictures_alone(camera: FakeCamera) -> None:
    camera.add(True, False, False)
    found = shots(camera)
    assert len(found) == 3
    assert not any(shot.packets for shot in found)


@pytest.mark.parametrize(("codec", "intervals"), [("h264", 1), ("mjpeg", 0)])
def test_a_picture_has_the_time_at_which_it_came_and_not_that_of_the_next_one(codec: str, intervals: int) -> None:
    """FFmpeg hands out a picture of H.264 once the next one begins: sound was a picture ahead of the video."""
    camera = FakeCamera(codec=codec)
    camera.add(True, *[False] * 9)
    found = shots(camera)
    assert camera.now_s - found[-1].captured_mono_s == pytest.approx(intervals / RATE_HZ, abs=0.01)


def test_a_camera_that_counts_25_pictures_a_second_and_sends_five_goes_on() -> None:
    """Its pictures were three seconds late, counted as held back, and the camera as lost."""
    camera = FakeCamera()
    for number in range(60):
        camera.add(number == 0, stamp=number)  # as at ten a second
    camera.slowness = 5.0
    assert len(shots(camera)) > 50


class PunctualCamera(FakeCamera):
    """Sends ten pictures a second, however late they are read; some decoders take longer than that."""

    def __init__(self, decode_s: float) -> None:
        super().__init__()
        self.decode_s = decode_s
        self.add(*(number % 10 == 0 for number in range(200)))

    def due_s(self, shot: Shot) -> float:
        return 1000.0 + int(shot.pixels[0, 0]) / RATE_HZ

    def demux(self, *_streams: object) -> Iterator[Any]:
        for number, packet in enumerate(self.sent, 1):
            self.now_s = max(self.now_s + 0.001, 1000.0 + number / RATE_HZ)
            packet.decode = lambda decode=packet.decode: self.decoded(decode)
            yield packet

    def decoded(self, decode: Callable[[], list[Any]]) -> list[Any]:
        self.now_s += self.decode_s
        return decode()


@pytest.mark.parametrize(("decode_s", "use_s"), [(0.01, 0.0), (0.01, 0.3), (0.15, 0.0), (0.15, 0.3), (0.4, 0.1)])
def test_a_machine_that_is_slower_than_the_camera_shows_no_old_pictures(decode_s: float, use_s: float) -> None:
    """They were shown one by one, 30 s late after 40 s, and dated as if they were new."""
    camera = PunctualCamera(decode_s)
    source, found, read_s = opened(camera), [], [1000.0]
    with suppress(SourceError):
        while True:
            found.append(source.read())
            read_s.append(camera.now_s)
            assert camera.now_s - camera.due_s(found[-1]) < 4
            assert found[-1].captured_mono_s == pytest.approx(camera.due_s(found[-1]), abs=0.6)
            camera.now_s += use_s
    assert max(later - earlier for earlier, later in pairwise(read_s)) < 4, "the camera counts as lost after five"
    packets = [packet for shot in found for packet in shot.packets]
    assert len(packets) > 170, "films are whole"
    assert not any(packet.facts.after_loss for packet in packets)


def test_pictures_that_wait_for_each_other_are_not_copied() -> None:
    camera = FakeCamera()
    camera.add(True)
    for stamp in (5, 3, 7):
        camera.add(False, stamp=stamp)
    assert [len(shot.packets) for shot in shots(camera)] == [1, 1, 0, 0]


def test_a_camera_whose_clock_is_set_back_is_copied_again_from_the_next_key_frame_on() -> None:
    """Copying ended for the rest of the connection, as if the camera had reordered its pictures."""
    camera = FakeCamera()
    for number in range(30):
        camera.add(number % 10 == 0, stamp=number - 5 * (number >= 15))
    packets = [packet for shot in shots(camera) for packet in shot.packets]
    assert [packet.key for packet in packets].count(True) == 3
    assert len(packets) == 25, "from the step to the next key frame there are none"


def test_pictures_of_another_size_end_the_session() -> None:
    camera = FakeCamera()
    camera.add(True)
    camera.add(True, size=(32, 32))
    source = opened(camera)
    source.read()
    with pytest.raises(SourceError, match="changed the size"):
        source.read()
    source.close()
    assert camera.is_closed


def test_a_stream_that_cannot_be_opened_says_what_to_look_at() -> None:
    def refuse(_url: str) -> FakeCamera:
        raise av.error.HTTPUnauthorizedError(1, "Server returned 401 Unauthorized")

    with pytest.raises(SourceError, match=r"401: it refuses the login; it stands before") as caught:
        RtspPacketSource(URL, refuse).open(CameraConfig(), DAY)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("what", ["codec", "size"])
def test_video_that_cannot_be_decoded_is_said_and_let_go(what: str) -> None:
    camera = FakeCamera()
    if what == "codec":
        camera.stream.codec_context = None  # as PyAV does if FFmpeg does not know it
    else:
        camera.stream.codec_context.width = 0
    with pytest.raises(SourceError, match=r"choose H\.264 in its settings"):
        RtspPacketSource(URL, lambda _url: camera).open(CameraConfig(), DAY)
    assert camera.is_closed


@pytest.mark.parametrize("choice", ["off", "copy", "aac"])
def test_sound_of_an_unknown_codec_is_left_out(choice: Any) -> None:
    camera = FakeCamera(sound=SimpleNamespace(codec_context=None))
    camera.add(True, False)
    source = opened(camera, replace(DAY, sound=choice))
    assert source.read().pixels.shape == (72, 64)


def test_a_stream_without_pictures_is_said_and_let_go() -> None:
    camera = FakeCamera()
    camera.streams.video.clear()
    with pytest.raises(SourceError, match=r"sends no pictures, at most sound"):
        RtspPacketSource(URL, lambda _url: camera).open(CameraConfig(), DAY)
    assert camera.is_closed


AAC = bytes.fromhex("1408")


def with_sound(
    *, keys: tuple[bool, ...] = (True, False, False, False), codec: str = "h264", b_frames: int = 0
) -> FakeCamera:
    """Return a camera that sends a frame of AAC after each picture."""
    decoder = SimpleNamespace(name="aac", sample_rate=16_000, channels=1, extradata=AAC)
    camera = FakeCamera(codec=codec, b_frames=b_frames, sound=SimpleNamespace(codec_context=decoder))
    camera.add(*keys)
    sound = [
        FakePacket(n, b"sound%d" % n, camera.sound, key=True, pts=n * 9_000, size=(0, 0)) for n in range(len(keys))
    ]
    camera.sent = [each for pair in zip(camera.sent, sound, strict=True) for each in pair]
    return camera


def sounds_of(found: list[Shot]) -> list[bytes]:
    return [packet.data for shot in found for packet in shot.packets if packet.facts.sound]


def test_sound_comes_with_the_packets_where_it_is_asked_for() -> None:
    source, found = opened(with_sound(), replace(DAY, sound="copy")), []
    with suppress(SourceError):
        while True:
            found.append(source.read())
    assert sounds_of(found) == [b"sound0", b"sound1", b"sound2"], "the last one waits for a picture"
    assert [[bool(packet.facts.sound) for packet in shot.packets] for shot in found][:2] == [[False], [True, False]]
    assert sounds_of(shots(with_sound())) == [], "off"


@pytest.mark.parametrize(("codec", "b_frames"), [("mjpeg", 0), ("hevc", 0), ("h264", 2)])
def test_sound_comes_without_packets_of_pictures_that_cannot_be_copied(codec: str, b_frames: int) -> None:
    camera = with_sound(keys=(True, *[False] * 5), codec=codec, b_frames=b_frames)
    source, found = opened(camera, replace(DAY, sound="copy")), []
    with suppress(SourceError):
        while True:
            found.append(source.read())
    packets = [packet for shot in found for packet in shot.packets]
    assert packets
    assert all(packet.facts.sound for packet in packets)
    assert [packet.data for packet in packets] == [b"sound%d" % number for number in range(len(found) - 1)]


def test_sound_is_switched_while_the_camera_goes_on() -> None:
    camera = with_sound(keys=(True, *[False] * 5))
    source = opened(camera)
    source.read()
    source.apply(replace(DAY, sound="copy"))
    found = [source.read(), source.read()]
    assert sounds_of(found) == [b"sound0", b"sound1"]
    source.apply(DAY)
    assert sounds_of([source.read(), source.read()]) == []


def test_sound_that_cannot_go_with_pictures_is_left_out() -> None:
    camera = with_sound(keys=(False, False, True, False))
    source, found = opened(camera, replace(DAY, sound="copy")), []
    with suppress(SourceError):
        while True:
            found.append(source.read())
    assert sounds_of(found) == [b"sound2"], "nothing before the first key frame"


def test_sound_that_piled_up_while_the_stream_was_opened_is_of_the_past() -> None:
    camera = with_sound(keys=(True, *[False] * 7, True, False))
    camera.piled = 12
    source, found = opened(camera, replace(DAY, sound="copy")), []
    with suppress(SourceError):
        while True:
            found.append(source.read())
    assert sounds_of(found) == [b"sound8"]


def test_a_camera_that_sends_sound_alone_is_lost() -> None:
    camera = with_sound()
    pause_s = [0.0, 6.0, 6.0]

    def demux(*_streams: object) -> Iterator[Any]:
        for packet, wait_s in zip((camera.sent[0], camera.sent[1], camera.sent[3]), pause_s, strict=True):
            camera.now_s += 0.1 + wait_s
            yield packet

    source = RtspPacketSource(URL, lambda _url: camera, lambda: camera.now_s)
    camera.demux = demux  # type: ignore[method-assign]
    source.open(CameraConfig(), DAY)
    source.read()
    with pytest.raises(SourceError, match="sound, but no more pictures"):
        source.read()
