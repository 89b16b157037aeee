"""Metrics of the machine; unavailable ones are omitted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system import metrics, procfs
from pi_cam_node.system.metrics import SystemMetrics
from tests.support.fakes.clock import FakeClock


def silent(error: Exception) -> Callable[..., object]:
    def raising(*_args: object, **_more: object) -> object:
        raise error

    return raising


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError("/proc"), ProcessLookupError("gone"), PermissionError("not yours"), ValueError("no lines")],
)
def test_a_machine_without_proc_tells_what_is_left(mocker: MockerFixture, error: Exception) -> None:
    for name in ("available_bytes", "swap_pct", "resident_bytes", "processor_s"):
        mocker.patch.object(procfs, name, silent(error))
    mocker.patch.object(procfs, "processor_temperature_c", return_value=None)
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
    mocker.patch.object(procfs, "processor_temperature_c", return_value=None)
    mocker.patch.object(metrics, "_THROTTLED", tmp_path / "none")
    assert metrics.absent_figures() == {"temperature_c", "throttled"}
    mocker.patch.object(procfs, "processor_temperature_c", return_value=51.2)
    assert metrics.absent_figures() == {"throttled"}


def test_every_process_of_the_node_counts_while_it_runs_and_one_that_ends_hides_none(mocker: MockerFixture) -> None:
    """Each has 10 MiB, and so many seconds of processor time as `used_s` says by its id."""
    used_s: dict[int, float] = {}

    def processor_s(pid: int) -> float:
        if pid not in used_s:
            raise ProcessLookupError(pid)
        return used_s[pid]

    mocker.patch.object(procfs, "processor_s", processor_s)
    mocker.patch.object(procfs, "resident_bytes", lambda pid: 10 << 20 if processor_s(pid) else 0)
    mocker.patch.object(os, "getpid", return_value=1)
    clock, children = FakeClock(), [2, 3]
    figures = SystemMetrics(lambda: None, clock, lambda: children)
    used_s |= {1: 5.0, 2: 7.0}
    first = figures.read()
    assert (first["rss_mib"], first["cpu_pct"]) == (20.0, None)
    clock.advance(10)
    used_s |= {1: 6.0, 2: 9.0, 3: 1.5}
    assert figures.read()["cpu_pct"] == 45.0, "the third began in between"
    clock.advance(10)
    used_s[1] = 7.0
    del used_s[2]
    last = figures.read()
    assert (last["rss_mib"], last["cpu_pct"]) == (20.0, 10.0)
