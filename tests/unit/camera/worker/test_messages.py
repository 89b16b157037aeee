"""Messages between the node and the camera's process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pi_cam_node.camera.source import Adjustments, Controls, Opened
from pi_cam_node.camera.worker.child_log import short
from pi_cam_node.camera.worker.messages import (
    Applied,
    Apply,
    Configure,
    Deliver,
    Failed,
    JsonReport,
    Open,
    Order,
    Output,
    Quit,
    Ready,
    Refused,
    Share,
    Wanted,
    decode_order,
    encode,
)
from pi_cam_node.camera.worker.process import decode_report
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.frame import Demand

OUTPUT = Output(70, (256, 192), "{name} {time}", "Küche")
CONTROLS = Controls("night", 2.5, 1_500_000, 4.0, "stream")


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
        Deliver(12.5, Demand(92, raw=True)),
        Deliver(12.5, Demand(None, raw=False)),
        Deliver(12.5, Demand(None, False, 20_000)),
        Deliver(12.5, Demand(None, False, 20_000, 640, 60, 1.0)),
        Share(planes=True),
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
        Applied(4),
        Refused(4, "night", "no"),
        Failed(5, "gone"),
    ],
    ids=lambda report: report.kind,
)
def test_a_note_arrives_as_it_was_given(report: JsonReport) -> None:
    assert decode_report(encode(report)) == report


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{}",
        b"null",
        b'{"kind":"quit"}',
        b'{"kind":"applied","generation":"soon"}',
        b'{"kind":"refused","generation":1,"mode":"dusk","reason":""}',
    ],
)
def test_what_is_no_note_is_refused(datagram: bytes) -> None:
    with pytest.raises(ValueError, match="fault"):
        decode_report(datagram)


def test_reasons_are_one_line_and_bounded() -> None:
    assert short("two\nlines") == "two lines"
    assert len(short("x" * 10_000)) == 500
