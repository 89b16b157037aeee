"""Cameras with wrong pictures: frozen, black, or invalid."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Controls, Opened, Shot
from pi_cam_node.camera.worker import source_loop
from pi_cam_node.camera.worker.messages import Arrived, Failed, Open, Quit, Report
from pi_cam_node.camera.worker.source_loop import SourceLoop
from pi_cam_node.config import CameraConfig
from pi_cam_node.imaging.jpeg import decode
from tests.faults.observed_node import watched
from tests.support.broker import Mosquitto, wait_until
from tests.support.running_node import BASE

pytestmark = [pytest.mark.faults, pytest.mark.promise("C4")]

NAMED_S, SLACK_S = 35.0, 10.0
HEALTHY_S, LIES_S = 10.0, 55.0


def source(loss: str) -> str:
    """Return a camera with wrong pictures for a while; a new process continues where the old one was."""
    begin_s = time.monotonic()
    return f"synthetic?loss={loss}&loss_at_s={HEALTHY_S:g}&loss_s={LIES_S:g}&start_mono_s={begin_s:.3f}"


@pytest.mark.parametrize(("loss", "word"), [("freeze", "frozen"), ("blank", "blank")])
def test_a_camera_that_lies_is_named_and_so_is_the_end_of_it(
    broker: Mosquitto, tmp_path: Path, loss: str, word: str, figure: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    with watched(tmp_path, broker, camera={"source": source(loss)}) as node:
        node.forget()
        wait_until(
            lambda: word in node.commands.state("last_error"), f"{word} in last_error", HEALTHY_S + NAMED_S + SLACK_S
        )
        named_s = time.monotonic() - began_s - HEALTHY_S
        assert node.commands.state("last_error").startswith("camera_down")
        gone = f"{BASE}/camera/availability" in node.said_offline()
        assert gone is (loss == "freeze"), "a blank camera delivers, a frozen one does not"
        assert f"{BASE}/availability" not in node.said_offline()
        wait_until(lambda: node.commands.state("last_error") == "ok", "the end of it", LIES_S + 60)
        over_s = time.monotonic() - began_s - HEALTHY_S - LIES_S
        assert node.commands.ask("save")["ok"]
    assert named_s <= NAMED_S + SLACK_S
    figure(f"{word}: named after {named_s:.0f} s (at most {NAMED_S:g}), over {over_s:.0f} s after it ended")


class LyingSource:
    """A source of which every second image is invalid; it always opens."""

    lies = (
        np.zeros((71, 64), np.uint8),
        np.zeros((72, 64), np.float32),
        np.zeros((72, 64, 3), np.uint8),
        np.zeros((0, 0), np.uint8),
        np.zeros((72, 64), np.int8),
        None,
        b"not an array",
        SourceError("the cable"),
        ValueError("a bug of the driver"),
        MemoryError("of the decoder"),
    )

    def __init__(self) -> None:
        self.reads = 0

    def open(self, _camera: CameraConfig, _controls: Controls) -> Opened:
        return Opened("lying", (64, 48), "i420", controls=False)

    def read(self) -> Shot:
        self.reads += 1
        now_s = time.monotonic()
        what = LyingSource.lies[self.reads // 2 % len(self.lies)] if self.reads % 2 else np.zeros((72, 64), np.uint8)
        if isinstance(what, Exception):
            raise what
        return Shot(what, now_s, now_s, "day")  # type: ignore[arg-type] # that is the lie

    def apply(self, controls: Controls) -> None:
        raise AssertionError(controls)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


@pytest.mark.short
def test_images_of_a_wrong_size_or_kind_are_named_and_never_handed_on(
    mocker: MockerFixture, figure: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    wanted, made = 10_000, LyingSource()
    mocker.patch.object(source_loop, "make", return_value=made)
    order = Open(1, CameraConfig(source="synthetic"), Controls("day", 10.0, 1, 1.0, "still"))
    good, failed, finished = 0, set(), threading.Event()

    def post(note: Report) -> None:
        nonlocal good
        if isinstance(note, Arrived):
            good += 1
            assert decode(note.image.jpeg).shape == (48, 64, 3)
        elif isinstance(note, Failed):
            failed.add(note.reason)
            under_test.order(order)
        if made.reads >= wanted:
            under_test.order(Quit())
            finished.set()

    under_test = SourceLoop(post)
    under_test.order(order)
    thread = threading.Thread(target=under_test.run, name="runner", daemon=True)
    thread.start()
    assert finished.wait(120)
    thread.join(10)
    assert not thread.is_alive()
    assert good >= wanted / 2 - 1
    assert len(failed) >= 5, failed
    figure(
        f"{wanted} images, every second a lie of one of {len(LyingSource.lies)} kinds: {len(failed)} names, 0 passed"
    )
