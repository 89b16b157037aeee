"""Figures of the machine: what it does not tell is left out, never an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

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
    metrics = SystemMetrics(lambda: 5 << 20, clock, list)
    clock.advance(7)
    figures = metrics.read()
    assert {key: value for key, value in figures.items() if value is not None} == {"disk_free_mib": 5, "uptime_s": 7}


def test_this_machine_tells_its_memory_and_load() -> None:
    figures = SystemMetrics(lambda: None, FakeClock(), list).read()
    assert all(isinstance(figures[key], float | int) for key in ("rss_mib", "swap_pct", "load_1m"))
    assert figures["disk_free_mib"] is None


def test_figures_without_a_sensor_are_named(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.object(psutil, "sensors_temperatures", return_value={})
    mocker.patch.object(metrics, "_THROTTLED", tmp_path / "none")
    assert metrics.absent_figures() == {"temperature_c", "throttled"}
    sensor = mocker.Mock(current=51.23)
    mocker.patch.object(psutil, "sensors_temperatures", return_value={"cpu_thermal": [sensor]})
    assert metrics.absent_figures() == {"throttled"}


class FakeProcess:
    """A process by its id: 10 MiB, and so many seconds of processor time as `USED_S` says."""

    USED_S: ClassVar[dict[int, float]] = {}

    def __init__(self, pid: int = 1) -> None:
        if pid not in self.USED_S:
            raise psutil.NoSuchProcess(pid)
        self.pid = pid

    def memory_info(self) -> SimpleNamespace:
        return SimpleNamespace(rss=10 << 20)

    def cpu_times(self) -> SimpleNamespace:
        return SimpleNamespace(user=self.USED_S[self.pid], system=0.0)


def test_every_process_of_the_node_counts_while_it_runs_and_one_that_ends_hides_none(mocker: MockerFixture) -> None:
    mocker.patch.object(psutil, "Process", FakeProcess)
    clock, children = FakeClock(), [2, 3]
    figures = SystemMetrics(lambda: None, clock, lambda: children)
    FakeProcess.USED_S = {1: 5.0, 2: 7.0}
    first = figures.read()
    assert (first["rss_mib"], first["cpu_pct"]) == (20.0, None)
    clock.advance(10)
    FakeProcess.USED_S = {1: 6.0, 2: 9.0, 3: 1.5}
    assert figures.read()["cpu_pct"] == 45.0, "the third began in between"
    clock.advance(10)
    FakeProcess.USED_S = {1: 7.0, 3: 1.5}
    last = figures.read()
    assert (last["rss_mib"], last["cpu_pct"]) == (20.0, 10.0)
