"""Telemetry figures match their declarations."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.config import loader
from pi_cam_node.core.events import TelemetryTaken
from pi_cam_node.core.inputs import BrokerConnected, HomeAssistantStarted
from pi_cam_node.core.telemetry import FIGURES
from pi_cam_node.runtime.node import Node
from tests.support.core_harness import CoreHarness
from tests.support.fakes.clock import FakeClock


def test_a_real_node_tells_exactly_the_figures_that_are_declared(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        f"camera: {{source: synthetic}}\nmjpeg_server: {{enable: false}}\nexport: {{base_dir: {tmp_path}}}\n"
    )
    node = Node(loader.load(path, {}), FakeClock())
    told = node._core.figures()
    assert sorted(told) == sorted(
        figure.key for figure in FIGURES if figure.source == "telemetry" or figure.key in told
    )
    assert {figure.key for figure in FIGURES if figure.source == "telemetry"} <= set(told)


def test_no_two_figures_share_a_key_or_a_metric() -> None:
    keys, metrics = [f.key for f in FIGURES], [f.metric for f in FIGURES if f.metric]
    assert (len(set(keys)), len(set(metrics))) == (len(keys), len(metrics))


@pytest.mark.parametrize("message", [BrokerConnected("5", 1), HomeAssistantStarted()])
def test_telemetry_comes_right_after_a_connect_and_a_birth_and_once_more(message: object) -> None:
    harness = CoreHarness()
    harness.wait(1)
    events = harness.step(message)
    assert [type(event) for event in events] == [type(message), TelemetryTaken], "the birth goes first"
    assert [type(event) for event in harness.wait(2)] == [TelemetryTaken]
    assert harness.wait(2) == []


def test_the_fault_that_lasts_is_a_figure_with_its_time() -> None:
    harness = CoreHarness()
    assert harness.core.figures()["last_error"] is None
    since = harness.clock.utcnow()
    harness.core.faults.note("storage", "no_space", "full")
    harness.wait(60)
    told = harness.core.figures()["last_error"]
    assert told == {"code": "no_space", "message": "full", "since": f"{since:%Y-%m-%dT%H:%M:%S}.000Z"}
