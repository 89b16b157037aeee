"""Figures of the machine: what it does not tell is left out, never an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system import metrics
from pi_cam_node.system.metrics import SystemMetrics
from tests.support.fakes.clock import FakeClock


def silent(error: Exception) -> Callable[..., object]:
    def raising(*_args: object, **_more: object) -> object:
        raise error

    return raising


@pytest.mark.parametrize(
    "error", [FileNotFoundError("/proc"), psutil.NoSuchProcess(1), psutil.AccessDenied(1), RuntimeError("no lines")]
)
def test_a_machine_without_proc_tells_what_is_left(mocker: MockerFixture, error: Exception) -> None:
    for name in ("Process", "swap_memory", "virtual_memory", "sensors_temperatures"):
        mocker.patch.object(psutil, name, silent(error))
    mocker.patch.object(os, "getloadavg", silent(OSError("unobtainable")))
    clock = FakeClock()
    metrics = SystemMetrics(lambda: 5 << 20, clock, lambda: None)
    clock.advance(7)
    figures = metrics.read()
    assert {key: value for key, value in figures.items() if value is not None} == {"disk_free_mib": 5, "uptime_s": 7}


def test_this_machine_tells_its_memory_and_load() -> None:
    figures = SystemMetrics(lambda: None, FakeClock(), lambda: None).read()
    assert all(isinstance(figures[key], float | int) for key in ("rss_mib", "swap_pct", "load_1m"))
    assert figures["disk_free_mib"] is None


def test_figures_without_a_sensor_are_named(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.object(psutil, "sensors_temperatures", return_value={})
    mocker.patch.object(metrics, "_THROTTLED", tmp_path / "none")
    assert metrics.absent_figures() == {"temperature_c", "throttled"}
    sensor = mocker.Mock(current=51.23)
    mocker.patch.object(psutil, "sensors_temperatures", return_value={"cpu_thermal": [sensor]})
    assert metrics.absent_figures() == {"throttled"}
