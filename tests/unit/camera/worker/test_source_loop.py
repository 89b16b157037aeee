"""The main loop of a source: damaged images, and queued orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.camera.source import BadImage, Controls, Opened, Shot
from pi_cam_node.camera.worker import source_loop
from pi_cam_node.camera.worker.messages import Apply, Arrived, Configure, Deliver, Failed, Open, Output, Quit, Report
from pi_cam_node.camera.worker.picture_maker import PictureMaker
from pi_cam_node.camera.worker.source_loop import BAD_IMAGES_MAX, BAD_S, SourceLoop
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.frame import Demand
from tests.support.fakes.clock import FakeClock

DAY = Controls("day", 10.0, 100_000, 1.0, "stream")
ORDER = Open(1, CameraConfig(source="synthetic"), DAY)


class ScriptedSource:
    """Delivers scripted images: good, bad, or of another size."""

    def __init__(self, clock: FakeClock, script: str, interval_s: float) -> None:
        self.clock, self.script, self.interval_s, self.opened = clock, list(script), interval_s, 0

    def open(self, camera: Any, controls: Controls) -> Opened:
        self.opened += 1
        return Opened("scripted", (64, 48), "bgr", controls=False)

    def read(self) -> Shot:
        self.clock.advance(self.interval_s)
        what = self.script.pop(0)
        if what == "b":
            raise BadImage("it is broken")
        if what == "m":
            raise MemoryError("Unable to allocate 286. MiB")
        pixels = np.zeros((48, 64, 3) if what == "g" else (24, 32, 3), np.uint8)
        return Shot(pixels, self.clock.monotonic() - 0.1, self.clock.monotonic(), "day")

    def apply(self, controls: Controls) -> None:
        """Take anything."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def told_of(script: str, mocker: MockerFixture, interval_s: float = 0.1) -> list[Report]:
    """Return the reports on a source that is quit at the end of its script, or when it fails."""
    clock, told = FakeClock(), list[Report]()
    source = ScriptedSource(clock, script, interval_s)
    mocker.patch.object(source_loop, "make", return_value=source)

    def post(report: Report) -> None:
        told.append(report)
        if not source.script or isinstance(report, Failed):
            loop.order(Quit())

    loop = SourceLoop(post, clock.monotonic)
    loop.order(ORDER)
    loop.run()
    return told[1:]


@pytest.mark.parametrize("bad", ["b", "s"])
def test_a_bad_image_costs_one_frame(bad: str, mocker: MockerFixture) -> None:
    told = told_of(f"ggg{bad}ggg{bad}{bad}gg", mocker)
    assert [type(report) for report in told] == [Arrived] * 8
    assert [report.skipped for report in told if isinstance(report, Arrived)] == [0, 0, 0, 1, 1, 1, 3, 3]


def test_a_camera_that_delivers_nothing_else_is_opened_again(mocker: MockerFixture) -> None:
    script = "g" + "b" * 100
    told = told_of(script, mocker)
    assert [type(report) for report in told] == [Arrived, Failed]
    assert isinstance(told[-1], Failed)
    assert told[-1].reason == "it is broken"


@pytest.mark.parametrize("script", ["ggg", "g" + "b" * 40])
def test_what_makes_the_pictures_is_closed_with_the_source(script: str, mocker: MockerFixture) -> None:
    closed = mocker.spy(PictureMaker, "close")
    told_of(script, mocker)
    assert closed.call_count == 1


def test_a_few_bad_images_in_a_row_are_borne_for_a_while(mocker: MockerFixture) -> None:
    assert BAD_IMAGES_MAX < BAD_S / 0.1
    told = told_of("g" + "b" * (round(BAD_S / 0.1) - 1) + "gg", mocker)
    assert [type(report) for report in told] == [Arrived] * 3


def test_a_few_bad_images_of_a_slow_camera_are_borne(mocker: MockerFixture) -> None:
    told = told_of("g" + "b" * (BAD_IMAGES_MAX - 1) + "g", mocker, interval_s=2 * BAD_S)
    assert [type(report) for report in told] == [Arrived] * 2


def test_orders_replace_those_that_they_make_pointless() -> None:
    loop = SourceLoop(lambda _report: None)
    deliver = Deliver(1.0, Demand(92, raw=False))
    for order in (ORDER, Apply(1, DAY), Configure(Output()), deliver, Apply(2, DAY), Configure(Output(50)), deliver):
        loop.order(order)
    assert loop._orders == [ORDER, deliver, Apply(2, DAY), Configure(Output(50)), deliver]
    for _ in range(200):
        loop.order(deliver)
    assert len(loop._orders) == 64
    assert loop._orders[:3] == [ORDER, Apply(2, DAY), Configure(Output(50))]
    loop.order(Quit())
    assert loop._orders == [Quit()]


def test_a_picture_that_takes_too_much_memory_is_said_with_what_to_do(mocker: MockerFixture) -> None:
    failed = told_of("gm", mocker)[-1]
    assert isinstance(failed, Failed)
    assert failed.reason.startswith("a picture takes more memory than")
