"""Parsing of /proc and /sys."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system import procfs

# Of a Raspberry Pi 4, shortened.
MEMINFO = """\
MemTotal:        3881512 kB
MemFree:         1204400 kB
MemAvailable:    3092060 kB
SwapTotal:        102396 kB
SwapFree:          76797 kB
HugePages_Total:       0
"""
STAT = "42 (a) name (b) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 7 9 20 0 5 0 1000 1 1 1\n"


class Kernel:
    """A /proc and a /sys/class in a folder."""

    def __init__(self, folder: Path, mocker: MockerFixture) -> None:
        self._folder = folder
        mocker.patch.object(procfs, "PROC", folder)
        mocker.patch.object(procfs, "SYS_CLASS", folder)

    def write(self, name: str, content: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.fixture
def kernel(tmp_path: Path, mocker: MockerFixture) -> Kernel:
    return Kernel(tmp_path, mocker)


def test_memory_and_swap(kernel: Kernel) -> None:
    kernel.write("meminfo", MEMINFO)
    assert procfs.available_bytes() == 3_092_060 * 1024
    assert procfs.swap_pct() == pytest.approx(25.0, abs=0.01)
    kernel.write("meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n")
    assert procfs.swap_pct() == 0


@pytest.mark.parametrize("content", ["", "MemAvailable:\n", "MemAvailable: many kB\n", "MemAvailable: 12\n", ":::\n"])
def test_memory_that_is_not_told_is_an_error_and_no_number(kernel: Kernel, content: str) -> None:
    kernel.write("meminfo", content)
    with pytest.raises(ValueError):
        procfs.available_bytes()


def test_a_process_is_told_whatever_its_program_is_called(kernel: Kernel) -> None:
    kernel.write("42/stat", STAT)
    kernel.write("42/statm", "4000 300 200 1 0 100 0\n")
    assert procfs.processor_s(42) == 200 / os.sysconf("SC_CLK_TCK")
    assert procfs.resident_bytes(42) == 300 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("content", ["", "42", "42 (name) S 1 2"])
def test_a_process_that_is_not_told_is_an_error(kernel: Kernel, content: str) -> None:
    kernel.write("42/stat", content)
    kernel.write("42/statm", content)
    for figure in (procfs.processor_s, procfs.resident_bytes):
        with pytest.raises(ValueError):
            figure(42)


def test_the_id_of_a_process_is_not_interned_at_each_reading(mocker: MockerFixture) -> None:
    interned = mocker.spy(sys, "intern")
    procfs.processor_s(os.getpid())
    procfs.resident_bytes(os.getpid())
    assert mocker.call(str(os.getpid())) not in interned.call_args_list
    assert str(Path("/proc", str(os.getpid())))  # parsed at the latest here
    assert mocker.call(str(os.getpid())) in interned.call_args_list, "or pathlib interns in another way"


def test_a_process_that_is_gone_is_named_so() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for figure in (procfs.processor_s, procfs.resident_bytes):
        with pytest.raises((FileNotFoundError, ProcessLookupError)):
            figure(ended.pid)


@pytest.mark.parametrize(
    ("files", "told_c"),
    [
        ({}, None),
        ({"hwmon/hwmon0/name": "cpu_thermal\n", "hwmon/hwmon0/temp1_input": "51234\n"}, 51.2),
        ({"thermal/thermal_zone0/type": "cpu-thermal\n", "thermal/thermal_zone0/temp": "48312\n"}, 48.3),
        ({"hwmon/hwmon0/name": "nvme\n", "hwmon/hwmon0/temp1_input": "30000\n"}, None),
        ({"hwmon/hwmon0/name": "coretemp\n", "hwmon/hwmon0/temp1_input": ""}, None),
        (
            {
                "hwmon/hwmon0/name": "rp1_adc\n", "hwmon/hwmon0/temp1_input": "60000\n",
                "hwmon/hwmon1/name": "coretemp\n",
                "hwmon/hwmon1/temp1_input": "41000\n", "hwmon/hwmon1/temp2_input": "39000\n",
            },
            41.0,
        ),
    ],
)  # fmt: skip
def test_the_temperature_is_that_of_the_processor(kernel: Kernel, files: dict[str, str], told_c: float | None) -> None:
    for name, content in files.items():
        kernel.write(name, content)
    assert procfs.processor_temperature_c() == told_c


@pytest.mark.parametrize(
    ("ours", "psutils", "off"),
    [
        (procfs.available_bytes, lambda: psutil.virtual_memory().available, 1 << 30),
        (procfs.swap_pct, lambda: psutil.swap_memory().percent, 5),
        (lambda: procfs.resident_bytes(os.getpid()), lambda: psutil.Process().memory_info().rss, 1 << 20),
        (lambda: procfs.processor_s(os.getpid()), lambda: sum(psutil.Process().cpu_times()[:2]), 0.5),
    ],
)
def test_psutil_says_the_same_of_this_machine(
    ours: Callable[[], float], psutils: Callable[[], float], off: float
) -> None:
    assert ours() == pytest.approx(psutils(), abs=off)
