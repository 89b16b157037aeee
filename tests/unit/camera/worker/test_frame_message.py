"""Encoding, decoding and validation of a picture's message."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pi_cam_node.camera.worker.frame_message import FrameInSlot, PacketInSlot, decode_frame, encode_frame
from pi_cam_node.camera.worker.image_parts import image_of, parts_of, told_packet
from pi_cam_node.camera.worker.messages import MAX_MESSAGE_BYTES, Image
from pi_cam_node.camera.worker.packet_queue import AT_ONCE
from pi_cam_node.camera.worker.process import decode_report
from pi_cam_node.imaging.aac import CONFIG_BYTES_MAX
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.motion.interface import BLOBS_MAX, Blob, MotionReport
from pi_cam_node.imaging.packet import Packet, PacketFacts

BLOB = Blob(0.25, 0.5, 0.125, 0.0625, 0.01, 11.5, "track")
REPORT = MotionReport(12.5, "light", True, 1.25, 0.5, 10.0, (BLOB, replace(BLOB, failed="", x=0.75)))
PACKETS = (PacketInSlot(12.25, True, 1001, made=True), PacketInSlot(12.3, False, 0, b"\x14\x08"))
PLAIN = FrameInSlot(
    3, 1, (900, 0, 700, 0, 0), (92,), 12.25, 12.5, "night", Sensor(1000, 2.0, None, 41.5), 7.5, 99, False, 85, 7
)
FULL = PLAIN._replace(motion=REPORT, packets=PACKETS, planes=(1024, 768))
IMAGE = Image(12.25, 12.5, "night", PLAIN.sensor, 7.5, 99, False, 85, b"jpeg", b"ring", {60: b"low"}, b"raw", b"small")


@pytest.mark.parametrize(
    "frame",
    [
        PLAIN,
        FULL,
        PLAIN._replace(planes=(640, 480)),
        PLAIN._replace(checksum=None, flat=True, mode="day", sensor=Sensor()),
        PLAIN._replace(checksum=0, qualities=(), sizes=(1 << 31, 0, 0, 0)),
        PLAIN._replace(motion=replace(REPORT, gate="", unsettled=False, blobs=())),
        PLAIN._replace(motion=replace(REPORT, blobs=(BLOB,) * BLOBS_MAX)),
    ],
)
def test_a_picture_arrives_as_it_was_told(frame: FrameInSlot) -> None:
    assert decode_report(encode_frame(frame)) == frame


@pytest.mark.parametrize("cut", range(len(encode_frame(FULL))))
def test_a_message_that_is_cut_off_or_too_long_is_refused(cut: int) -> None:
    datagram = encode_frame(FULL)
    with pytest.raises(ValueError):
        decode_report(datagram[:cut])
    with pytest.raises(ValueError):
        decode_report(datagram + datagram[cut:])


@given(st.binary(max_size=300), st.sampled_from([b"", b"F", encode_frame(PLAIN)[:28], encode_frame(FULL)[:120]]))
@example(b"", encode_frame(PLAIN))
def test_noise_is_refused_or_a_picture_and_nothing_worse(noise: bytes, start: bytes) -> None:
    try:
        report = decode_report(start + noise)
    except ValueError:
        return
    assert isinstance(report, FrameInSlot)
    assert math.isfinite(report.exposed_mono_s + report.captured_mono_s + report.brightness)


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "lying",
    [
        lambda figure: FULL._replace(exposed_mono_s=figure),
        lambda figure: FULL._replace(captured_mono_s=figure),
        lambda figure: FULL._replace(brightness=figure),
        lambda figure: FULL._replace(motion=replace(REPORT, light=figure)),
        lambda figure: FULL._replace(motion=replace(REPORT, blobs=(replace(BLOB, area_share=figure),))),
        lambda figure: FULL._replace(packets=(PACKETS[0]._replace(mono_s=figure),)),
    ],
)
def test_a_figure_that_is_no_number_does_not_cross(lying: Callable[[float], FrameInSlot], figure: float) -> None:
    with pytest.raises(ValueError):
        decode_frame(encode_frame(lying(figure)))


@pytest.mark.parametrize("time_s", [1e300, -1e300])
@pytest.mark.parametrize(
    "lying",
    [
        lambda time_s: FULL._replace(exposed_mono_s=time_s),
        lambda time_s: FULL._replace(captured_mono_s=time_s),
        lambda time_s: FULL._replace(motion=replace(REPORT, mono_s=time_s)),
        lambda time_s: FULL._replace(packets=(PACKETS[0]._replace(mono_s=time_s),)),
    ],
)
def test_a_time_that_no_clock_tells_does_not_cross(lying: Callable[[float], FrameInSlot], time_s: float) -> None:
    with pytest.raises(ValueError):
        decode_frame(encode_frame(lying(time_s)))


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_a_driver_s_nonsense_is_no_measurement(figure: float) -> None:
    arrived = decode_frame(encode_frame(PLAIN._replace(sensor=Sensor(1000, figure, figure, 41.5))))
    assert arrived.sensor == Sensor(1000, None, None, 41.5)


@pytest.mark.parametrize(("at", "what"), [(1, "mode"), (20 + 56 + 21 + 8 + 8, "gate")])
def test_a_number_that_stands_for_nothing_is_refused(at: int, what: str) -> None:
    datagram = bytearray(encode_frame(FULL))
    datagram[at] = 200
    with pytest.raises(ValueError, match="no picture"):
        decode_frame(bytes(datagram))


def test_a_size_that_no_message_can_tell_is_not_sent() -> None:
    with pytest.raises(struct.error):
        encode_frame(PLAIN._replace(sizes=(-1, 0, 0, 0, 0)))


@pytest.mark.parametrize("image", [IMAGE, replace(IMAGE, ring_jpeg=None, jpegs={}, raw=None, preview=None)])
def test_an_image_is_put_together_as_it_was_taken_apart(image: Image) -> None:
    parts = parts_of(image, ())
    in_slot = PLAIN._replace(sizes=tuple(map(len, parts)), qualities=tuple(image.jpegs))
    told = decode_frame(encode_frame(in_slot))
    assert image_of(told, parts) == image


def test_packets_cross_with_the_picture() -> None:
    packets = (
        Packet(1.5, True, b"key", PacketFacts(135_000, track=2, after_loss=True)),
        Packet(1.6, False, b"p", PacketFacts(144_000)),
        Packet(1.7, False, b"s", PacketFacts(153_000, sound=b"\x14\x08")),
    )
    parts = parts_of(replace(IMAGE, jpegs={}), packets)
    in_slot = PLAIN._replace(sizes=tuple(map(len, parts)), qualities=(), packets=tuple(map(told_packet, packets)))
    assert image_of(decode_frame(encode_frame(in_slot)), parts).packets == packets
    with pytest.raises(ValueError, match="parts"):
        image_of(in_slot, parts[:-1])


@pytest.mark.parametrize("missing", [0, 2, 5])
def test_an_empty_picture_or_packet_is_refused(missing: int) -> None:
    parts = [b"jpeg", b"", b"other", b"", b"", b"packet"]
    in_slot = PLAIN._replace(packets=PACKETS[:1])
    assert image_of(in_slot, parts).ring_jpeg is None
    parts[missing] = b""
    with pytest.raises(ValueError, match="empty"):
        image_of(in_slot, parts)


def test_as_many_packets_as_go_at_once_fit_a_message() -> None:
    sound = PacketInSlot(12_345_678.123456789, False, 999, b"x" * CONFIG_BYTES_MAX)
    longest = FULL._replace(sizes=(1_000_000,) * (AT_ONCE + 5), packets=(sound,) * AT_ONCE)
    assert len(encode_frame(longest)) < MAX_MESSAGE_BYTES
    assert decode_frame(encode_frame(longest)) == longest


def test_parts_that_do_not_fit_the_qualities_are_refused() -> None:
    with pytest.raises(ValueError, match="parts"):
        image_of(PLAIN, [b"jpeg", b"", b""])
