"""What crosses the border between the processes, and what does not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.camera.source import Adjustments, Controls, Opened
from pi_cam_node.camera.worker.child_log import short
from pi_cam_node.camera.worker.image_parts import image_of, parts_of
from pi_cam_node.camera.worker.messages import (
    MAX_MESSAGE_BYTES,
    Applied,
    Apply,
    Configure,
    Deliver,
    Failed,
    FrameInSlot,
    Image,
    Open,
    Order,
    Output,
    PacketInSlot,
    Quit,
    Ready,
    Refused,
    Wanted,
    WireReport,
    decode_order,
    encode,
)
from pi_cam_node.camera.worker.packet_queue import AT_ONCE
from pi_cam_node.camera.worker.process import decode_report
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.aac import CONFIG_BYTES_MAX
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.packet import Packet, PacketFacts

OUTPUT = Output(70, (256, 192), "{name} {time}", "Küche")
CONTROLS = Controls("night", 2.5, 1_500_000, 4.0, "stream")
SLOTTED = FrameInSlot(
    3, 1, (900, 0, 700, 0), (92,), 12.25, 12.5, "night", Sensor(1000, 2.0, None, 41.5), 7.5, 99, False, 85, 7
)


@pytest.mark.parametrize(
    "order",
    [
        Open(1, Wanted("rtsp://a:b@c/d", 640, 480, "rgb", "still"), CONTROLS),
        Open(1, Wanted("synthetic", 64, 48, "yuv420", "stream"), CONTROLS, (((0, 0), (0.5, 0.25), (1, 1)),)),
        Open(1, Wanted("synthetic", 64, 48, "yuv420", "stream", 90, hflip=True), CONTROLS, (), OUTPUT),
        Apply(2, CONTROLS),
        Apply(3, replace(CONTROLS, adjustments=Adjustments("manual", 2.5, "daylight", -1.5))),
        Configure(OUTPUT),
        Configure(Output()),
        Deliver(12.5, 92, raw=True),
        Deliver(12.5, None, raw=False),
        Deliver(12.5, None, False, 20_000),
        Quit(),
    ],
    ids=lambda order: order.kind,
)
def test_an_order_arrives_as_it_was_given(order: Order) -> None:
    assert decode_order(encode(order)) == order


def test_of_the_settings_only_what_sources_read_crosses() -> None:
    arrived = decode_order(encode(Open(1, CameraConfig(source="synthetic", width=640), CONTROLS)))
    assert arrived == Open(1, Wanted("synthetic", 640, 768, "yuv420", "stream"), CONTROLS)


@pytest.mark.parametrize("datagram", [b"", b"{", b"{}", b"null", b"[]", b'{"kind":"apply"}', b'{"kind":"dance"}'])
def test_what_is_no_order_is_refused(datagram: bytes) -> None:
    with pytest.raises(ValueError):
        decode_order(datagram)


@pytest.mark.parametrize(
    "report",
    [
        Ready(1, Opened("synthetic", (1024, 768), "i420", controls=True)),
        SLOTTED,
        Applied(4),
        Refused(4, "night", "no"),
        Failed(5, "gone"),
    ],
    ids=lambda report: report.kind,
)
def test_a_note_arrives_as_it_was_given(report: WireReport) -> None:
    assert decode_report(encode(report)) == report


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{}",
        b"null",
        b'{"kind":"quit"}',
        encode(SLOTTED).replace(b"12.25", b'"soon"'),
        encode(SLOTTED).replace(b"12.25", b"NaN"),
        encode(SLOTTED).replace(b"12.25", b"1e999"),
        encode(SLOTTED).replace(b'"night"', b'"dusk"'),
        encode(SLOTTED).replace(b"700", b'"many"'),
        encode(SLOTTED).replace(b"7.5", b"NaN"),
    ],
)
def test_what_is_no_note_is_refused(datagram: bytes) -> None:
    with pytest.raises(ValueError, match="fault"):
        decode_report(datagram)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(ValueError, match="fault"):
        decode_report(noise)


def test_a_time_that_is_no_number_does_not_cross() -> None:
    lying = replace(SLOTTED, exposed_mono_s=math.nan)
    with pytest.raises(ValueError, match="fault"):
        decode_report(encode(lying))


def test_reasons_are_one_line_and_bounded() -> None:
    assert short("two\nlines") == "two lines"
    assert len(short("x" * 10_000)) == 500


def test_an_image_is_put_together_as_it_was_taken_apart() -> None:
    image = Image(1.0, 2.0, "day", Sensor(), 99.5, 7, False, 85, b"jpeg", b"ring", {60: b"low", 92: b"high"}, b"raw")
    image = replace(image, preview=b"small")
    plain = replace(image, ring_jpeg=None, jpegs={}, raw=None, preview=None)
    for each in (image, plain):
        parts = parts_of(each)
        in_slot = FrameInSlot(
            1, 0, tuple(map(len, parts)), tuple(each.jpegs), 1.0, 2.0, "day", Sensor(), 99.5, 7, False, 85, 0
        )
        assert image_of(in_slot, parts) == each


def test_packets_cross_with_the_picture() -> None:
    packets = (
        Packet(1.5, True, b"key", PacketFacts(135_000, track=2)),
        Packet(1.6, False, b"p", PacketFacts(144_000)),
        Packet(1.7, False, b"s", PacketFacts(153_000, sound=b"\x14\x08")),
    )
    image = Image(1.0, 2.0, "day", Sensor(), 99.5, 7, False, 85, b"jpeg", packets=packets)
    parts, told = (
        parts_of(image),
        (PacketInSlot(1.5, True, 2), PacketInSlot(1.6, False, 0), PacketInSlot(1.7, False, 0, "1408")),
    )
    in_slot = FrameInSlot(
        1, 0, tuple(map(len, parts)), (), 1.0, 2.0, "day", Sensor(), 99.5, 7, False, 85, 0, packets=told
    )
    assert image_of(cast("FrameInSlot", decode_report(encode(in_slot))), parts) == image
    with pytest.raises(ValueError, match="parts"):
        image_of(in_slot, parts[:-1])
    with pytest.raises(ValueError, match="hexadecimal"):
        image_of(replace(in_slot, packets=(*told[:-1], PacketInSlot(1.7, False, 0, "sound"))), parts)


def test_as_many_packets_as_go_at_once_fit_a_message() -> None:
    sound = PacketInSlot(12_345_678.123456789, False, 999, "ff" * CONFIG_BYTES_MAX)
    longest = replace(SLOTTED, sizes=(1_000_000,) * (AT_ONCE + 3), packets=(sound,) * AT_ONCE)
    assert len(encode(longest)) < MAX_MESSAGE_BYTES


def test_parts_that_do_not_fit_the_qualities_are_refused() -> None:
    with pytest.raises(ValueError, match="parts"):
        image_of(SLOTTED, [b"jpeg", b"", b""])
