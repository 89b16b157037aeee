"""Available memory: the minimum of the machine and of all enclosing control groups."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system import memory, procfs
from pi_cam_node.system.memory import available_bytes

MIB = 1 << 20
MACHINE_MIB = 4000


class Machine:
    """Files of control groups in a folder."""

    def __init__(self, folder: Path, mocker: MockerFixture) -> None:
        self._folder, self._mocker = folder, mocker
        mocker.patch.object(memory, "_CGROUPS", folder / "cgroup")
        mocker.patch.object(memory, "_OWN_GROUPS", folder / "own")
        mocker.patch.object(procfs, "available_bytes", return_value=MACHINE_MIB * MIB)

    def write(self, name: str, content: str) -> None:
        path = self._folder / "cgroup" / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)

    def v2(self, group: str, limit: str, used: int, stat: str = "") -> None:
        self.write(f"{group}/memory.max", f"{limit}\n")
        self.write(f"{group}/memory.current", f"{used}\n")
        self.write(f"{group}/memory.stat", stat)

    def v1(self, group: str, limit: int, used: int, stat: str = "") -> None:
        self.write(f"memory/{group}/memory.limit_in_bytes", f"{limit}\n")
        self.write(f"memory/{group}/memory.usage_in_bytes", f"{used}\n")
        self.write(f"memory/{group}/memory.stat", stat)

    def lives_in(self, *lines: str) -> None:
        (self._folder / "own").write_text("".join(f"{line}\n" for line in lines))

    @property
    def free_mib(self) -> float:
        return available_bytes() / MIB


@pytest.fixture
def machine(tmp_path: Path, mocker: MockerFixture) -> Machine:
    return Machine(tmp_path, mocker)


def test_without_control_groups_it_is_what_the_machine_has(machine: Machine) -> None:
    assert machine.free_mib == MACHINE_MIB


def test_a_container_sees_its_group_at_the_top(machine: Machine) -> None:
    machine.lives_in("0::/")
    machine.v2("", str(100 * MIB), 20 * MIB)
    assert machine.free_mib == 80


def test_the_path_of_the_host_inside_a_container_does_not_hide_the_limit_at_the_top(machine: Machine) -> None:
    machine.lives_in("0::/system.slice/docker-3f2a.scope")
    machine.v2("", str(100 * MIB), 20 * MIB)
    assert machine.free_mib == 80


def test_systemd_limits_a_service_below_the_top(machine: Machine) -> None:
    machine.lives_in("0::/system.slice/pi-cam-node.service")
    machine.v2("system.slice/pi-cam-node.service", str(100 * MIB), 20 * MIB)
    assert machine.free_mib == 80


def test_the_smallest_limit_on_the_way_up_counts(machine: Machine) -> None:
    machine.lives_in("0::/user.slice/user-1000.slice/app")
    machine.v2("user.slice/user-1000.slice/app", "max", 10 * MIB)
    machine.v2("user.slice/user-1000.slice", str(300 * MIB), 100 * MIB)
    machine.v2("user.slice", str(500 * MIB), 450 * MIB)
    assert machine.free_mib == 50


def test_docker_on_version_1(machine: Machine) -> None:
    machine.lives_in("7:cpu,cpuacct:/docker/3f2a", "4:memory:/docker/3f2a")
    machine.v1("", 100 * MIB, 20 * MIB)
    assert machine.free_mib == 80


def test_a_group_of_version_1_below_the_top(machine: Machine) -> None:
    machine.lives_in("4:cpuset,memory:/camera", "0::/")
    machine.v1("camera", 64 * MIB, 14 * MIB)
    machine.v1("", 1 << 63, 3000 * MIB)
    assert machine.free_mib == 50


def test_the_smaller_of_both_versions_counts(machine: Machine) -> None:
    machine.lives_in("4:memory:/", "0::/")
    machine.v1("", 90 * MIB, 20 * MIB)
    machine.v2("", str(80 * MIB), 20 * MIB)
    assert machine.free_mib == 60


def test_page_cache_that_can_be_given_back_counts_as_free(machine: Machine) -> None:
    machine.v2("", str(100 * MIB), 100 * MIB, f"file {70 * MIB}\ninactive_file {60 * MIB}\n")
    assert machine.free_mib == 60
    machine.v1("", 100 * MIB, 100 * MIB, f"inactive_file 1\ntotal_inactive_file {50 * MIB}\n")
    assert machine.free_mib == 50


def test_a_full_group_has_nothing_left_and_not_less(machine: Machine) -> None:
    machine.v2("", str(100 * MIB), 120 * MIB)
    assert machine.free_mib == 0


@pytest.mark.parametrize("stat", ["", "inactive_file", "inactive_file many\n", "inactive_file 1 2\n"])
def test_odd_statistics_count_no_cache(machine: Machine, stat: str) -> None:
    machine.v2("", str(100 * MIB), 20 * MIB, stat)
    assert machine.free_mib == 80


def test_without_proc_a_small_board_is_assumed(machine: Machine, mocker: MockerFixture) -> None:
    mocker.patch.object(procfs, "available_bytes", side_effect=FileNotFoundError("/proc/meminfo"))
    assert machine.free_mib == 128
