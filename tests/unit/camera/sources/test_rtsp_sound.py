"""Sound of an RTSP stream: copied, transcoded to AAC, or omitted with a warning."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

av: Any = pytest.importorskip("av", reason="the extra video is not installed")

from pi_cam_node.camera.sources.rtsp_sound import RtspSound  # noqa: E402 - after the check that PyAV is there
from pi_cam_node.imaging.aac import SAMPLES, aac_format  # noqa: E402
from pi_cam_node.imaging.packet import Packet, SoundChoice  # noqa: E402

AAC = bytes.fromhex("1408")
PACKET_S = 0.02


def stream(codec: str = "aac", rate_hz: int = 16_000, extradata: bytes | None = AAC, channels: int = 1) -> Any:
    decoder = SimpleNamespace(name=codec, sample_rate=rate_hz, channels=channels, extradata=extradata)
    return SimpleNamespace(codec_context=decoder)


class FakePacket:
    """A packet that is decoded to a tone of 440 Hz."""

    is_corrupt = False

    def __init__(self, number: int, seconds: float, rate_hz: int, layout: str = "mono") -> None:
        self.data, self.size, self.pts = b"sound%d" % number, 6, round(number * seconds * rate_hz)
        self.time_base = Fraction(1, rate_hz)
        self._count, self._layout = round(seconds * rate_hz), layout

    def __bytes__(self) -> bytes:
        return self.data

    def decode(self) -> list[Any]:
        at = (self.pts + np.arange(self._count)) * float(self.time_base)
        samples = (20_000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
        channels = len(av.AudioLayout(self._layout).channels)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, channels)[None], format="s16", layout=self._layout)
        frame.sample_rate = self.time_base.denominator
        return [frame]


def made(
    sound: RtspSound, choice: SoundChoice, count: int = 100, rate_hz: int = 8_000, layout: str = "mono"
) -> list[Packet]:
    """Send so many packets of 20 ms, each as it ends, from 1000 s on."""
    found = []
    for number in range(count):
        packet = FakePacket(number, PACKET_S, rate_hz, layout)
        found += sound.packets(packet, 1000 + (number + 1) * PACKET_S, choice, 3)
    return found


def decoded(packets: list[Packet]) -> Any:
    """Return the samples that a decoder of AAC makes of packets, and their rate."""
    codec: Any = av.CodecContext.create("aac", "r")
    codec.extradata = packets[0].facts.sound
    frames = [frame for packet in packets for frame in codec.decode(av.Packet(packet.data))]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


@pytest.mark.parametrize("choice", ["copy", "aac"])
def test_aac_is_copied(choice: SoundChoice) -> None:
    sound = RtspSound(stream(), "porch")
    packet = FakePacket(0, SAMPLES / 16_000, 16_000)
    (copied,) = sound.packets(packet, 1000.064, choice, 3)
    assert (copied.data, copied.key, copied.facts.track, copied.facts.sound) == (b"sound0", False, 3, AAC)
    assert copied.mono_s == pytest.approx(1000), "it came when it ended"
    packet.is_corrupt = True
    assert not sound.packets(packet, 1000.128, choice, 3)


@pytest.mark.parametrize("sent", [stream(), stream("pcm_mulaw", 8_000, None), None])
def test_off_is_off_and_says_nothing(sent: Any, caplog: pytest.LogCaptureFixture) -> None:
    sound = RtspSound(sent, "porch")
    sound.tell("off")
    assert made(sound, "off") == []
    assert not caplog.records


@pytest.mark.parametrize("config", [None, b"", b"\xff\xff"])
def test_what_films_cannot_hold_is_left_out_and_said_once(
    config: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    sound = RtspSound(stream("aac" if config is not None else "pcm_mulaw", 8_000, config), "porch")
    for _ in range(2):
        sound.tell("copy")
    assert made(sound, "copy") == []
    assert [record.message.split(",")[0].split(" as ")[0] for record in caplog.records] == ["porch sends its sound"]
    assert "recording.sound is aac" in caplog.text


def test_a_camera_without_sound_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    sound = RtspSound(None, "porch")
    sound.tell("aac")
    assert caplog.messages == ["porch sends no sound that can be read: its films have none"]


@pytest.mark.parametrize(
    ("rate_hz", "expected_hz", "layout", "channels"),
    [(8_000, 8_000, "mono", 1), (44_100, 44_100, "stereo", 2), (7_000, 48_000, "mono", 1)],
)
def test_other_sound_is_made_into_aac(rate_hz: int, expected_hz: int, layout: str, channels: int) -> None:
    sound = RtspSound(stream("pcm_mulaw", rate_hz, None, channels), "porch")
    packets = made(sound, "aac", 100, rate_hz, layout)
    told = aac_format(packets[0].facts.sound)
    assert told is not None
    assert (told.rate_hz, told.channels) == (expected_hz, channels)
    frame_s = SAMPLES / expected_hz
    assert all(later.mono_s - each.mono_s == pytest.approx(frame_s, abs=0.003) for each, later in pairwise(packets))
    assert packets[0].mono_s == pytest.approx(1000 - frame_s, abs=0.003), "the encoder begins with a frame of nothing"
    assert packets[-1].mono_s == pytest.approx(1002, abs=4 * frame_s)
    samples, got_hz = decoded(packets)
    spectrum = np.abs(np.fft.rfft(samples[-got_hz:]))
    assert got_hz == expected_hz
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)


def test_sound_that_was_switched_off_is_not_in_what_comes_after() -> None:
    sound = RtspSound(stream("pcm_mulaw", 8_000, None), "porch")
    assert made(sound, "aac", 3) == [], "it waits for a whole frame"
    made(sound, "off", 1)
    assert made(sound, "aac", 6) == []


def test_sound_that_cannot_be_encoded_is_given_up_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakePacket):
        def decode(self) -> list[Any]:
            raise av.error.ExternalError(1, "broken")

    sound = RtspSound(stream("pcm_mulaw", 8_000, None), "porch")
    for number in range(3):
        assert not sound.packets(Broken(number, PACKET_S, 8_000), 1000 + number * PACKET_S, "aac", 0)
    assert not sound.packets(Broken(3, PACKET_S, 8_000), 1100, "aac", 0)
    assert caplog.text.count("cannot be made into AAC") == 1


def test_damaged_sound_is_passed_over() -> None:
    class Damaged(FakePacket):
        def decode(self) -> list[Any]:
            raise av.error.InvalidDataError(1, "damaged")

    sound = RtspSound(stream("pcm_mulaw", 8_000, None), "porch")
    assert not sound.packets(Damaged(0, PACKET_S, 8_000), 999.0, "aac", 0)
    assert made(sound, "aac")


def test_one_packet_that_cannot_be_decoded_does_not_end_the_sound_for_good() -> None:
    class Broken(FakePacket):
        def decode(self) -> list[Any]:
            raise av.error.ExternalError(1, "broken")

    sound = RtspSound(stream("pcm_mulaw", 8_000, None), "porch")
    assert not sound.packets(Broken(0, PACKET_S, 8_000), 990.0, "aac", 3)
    assert made(sound, "aac", 10) == [], "not at once"
    later = [sound.packets(FakePacket(n, PACKET_S, 8_000), 1030 + n * PACKET_S, "aac", 3) for n in range(50)]
    assert any(later)


def test_sound_that_this_machine_reads_late_keeps_its_times() -> None:
    """As pictures do, so that both go together in films."""
    sound, packet_s = RtspSound(stream(), "a camera"), SAMPLES / 16_000
    found: list[Packet] = []
    for number in range(50):
        found += sound.packets(FakePacket(number, packet_s, 16_000), 1000 + 2 * number * packet_s, "copy", 0, 0.0)
    assert found[-1].mono_s - found[0].mono_s == pytest.approx(49 * packet_s)
