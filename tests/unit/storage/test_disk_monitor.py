"""Checks of the disk between saves."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.atomic_files import place_new
from pi_cam_node.base.errors import Busy, NodeError, NoSpace, NotSaved
from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.inputs import Input, StorageChanged
from pi_cam_node.storage.directory import FreeSpace
from pi_cam_node.storage.disk_monitor import LOOK_S, TIDY_S, WAITING_LOOK_S, DiskMonitor
from pi_cam_node.storage.io_heartbeat import SILENT_S, SLOWEST_BYTES_PER_S, IoHeartbeat
from pi_cam_node.storage.pictures import archive, listing, quota, writer
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.system.metrics import SystemMetrics
from tests.support.fakes.clock import FakeClock, run_due
from tests.support.frames import IMAGES
from tests.support.pictures import BOOT, config, names, save


class FakeArchive:
    """A disk as the test wants it."""

    def __init__(self) -> None:
        self.error: NodeError | None = None
        self.looks = self.tidies = 0
        self.is_silent = False

    def look(self, _config: Config) -> None:
        self.looks += 1
        if self.error is not None:
            raise self.error

    def tidy(self, _config: Config) -> int:
        self.tidies += 1
        return 0


class Bench:
    """A disk monitor whose worker is stepped by the test."""

    def __init__(self, disk: Callable[[FakeClock], Any] = lambda _clock: FakeArchive()) -> None:
        self.clock = FakeClock()
        self.archive = disk(self.clock)
        self.jobs: list[Any] = []
        self.told: list[Input] = []
        self.worker_full = self.inbox_full = False
        self.watch = DiskMonitor(self.archive, self._submit, self._post, self.clock, config)

    def _submit(self, job: Any) -> int:
        if self.worker_full:
            raise Busy("ERROR: too much work is waiting")
        self.jobs.append(job)
        return len(self.jobs)

    def _post(self, arrival: Input) -> bool:
        if not self.inbox_full:
            self.told.append(arrival)
        return not self.inbox_full

    def wait(self, seconds: float = LOOK_S, *, work: bool = True) -> None:
        self.clock.advance(seconds)
        run_due(self.watch, self.clock)
        if work:
            jobs, self.jobs = self.jobs, []
            for job in jobs:
                job(lambda _done, _total: None)
            run_due(self.watch, self.clock)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_full_disk_is_told_once_and_its_end_once(bench: Bench) -> None:
    bench.wait()
    assert bench.told == []
    for free in range(3):
        bench.archive.error = NoSpace(f"{free} bytes are free")
        bench.wait()
    assert bench.told == [StorageChanged("no_space", "0 bytes are free")]
    bench.archive.error = None
    bench.wait()
    assert bench.told[1:] == [StorageChanged("ok", "")]


def test_another_kind_of_trouble_is_told(bench: Bench) -> None:
    for error in (NoSpace("full"), NotSaved("read-only")):
        bench.archive.error = error
        bench.wait()
    assert [arrival.code for arrival in bench.told if isinstance(arrival, StorageChanged)] == ["no_space", "not_saved"]


def test_news_that_found_no_room_is_told_later(bench: Bench) -> None:
    bench.archive.error, bench.inbox_full = NoSpace("full"), True
    bench.wait()
    assert bench.watch.code == "ok"
    bench.inbox_full = False
    bench.clock.advance(WAITING_LOOK_S)
    run_due(bench.watch, bench.clock)
    assert bench.told == [StorageChanged("no_space", "full")]


def test_a_busy_worker_gets_one_look_at_a_time_and_is_no_fault_of_the_disk(bench: Bench) -> None:
    for _ in range(20):
        bench.wait(work=False)
    assert len(bench.jobs) == 1
    assert bench.told == []


def test_a_worker_without_room_is_asked_again(bench: Bench) -> None:
    bench.worker_full = True
    bench.wait()
    bench.worker_full = False
    bench.wait()
    assert bench.archive.looks == 1


SILENCE = StorageChanged("not_saved", f"the disk has not answered for {SILENT_S:g} s")


@pytest.fixture
def real(tmp_path: Path) -> Bench:
    """Return a monitor of a real folder with a picture, before its first check."""
    bench = Bench(lambda clock: PictureArchive(tmp_path / "captures", BOOT, clock, IMAGES))
    save(bench.archive)
    return bench


def taking(bench: Bench, mocker: MockerFixture, module: Any, call: str, seconds: float, *, times: int = 1) -> None:
    """Let a call take its time so often, while the node thread goes on."""
    normal, left = getattr(module, call), list(range(times))

    def slow(*args: Any) -> Any:
        for _ in range(round(seconds) if left else 0):
            bench.wait(1, work=False)
        del left[:1]
        return normal(*args)

    mocker.patch.object(module, call, slow)


@pytest.mark.parametrize(("module", "call"), [(archive, "check_writable"), (quota, "free_space")])
def test_a_disk_that_does_not_answer_a_look_is_told_and_so_is_its_answer(
    real: Bench, mocker: MockerFixture, module: Any, call: str
) -> None:
    taking(real, mocker, module, call, SILENT_S + 1)
    real.wait()
    assert real.told[:2] == [SILENCE, StorageChanged("ok", "")]


@pytest.mark.parametrize(
    ("module", "call"), [(writer, "place_new"), (writer, "sync_directory"), (archive, "make_directory")]
)
def test_a_look_that_waits_behind_a_save_that_hangs_does_not_hide_the_silence(
    real: Bench, mocker: MockerFixture, module: Any, call: str
) -> None:
    taking(real, mocker, module, call, SILENT_S + LOOK_S)
    save(real.archive, 43)
    assert (real.told, real.archive.is_silent) == ([SILENCE], False)
    real.wait(0)
    assert real.told[1:] == [StorageChanged("ok", "")]


def test_nor_behind_a_tidy_that_hangs(real: Bench, mocker: MockerFixture) -> None:
    taking(real, mocker, archive, "list_pictures", SILENT_S + 1)
    real.watch.tidy()
    real.wait()
    assert real.told[:2] == [SILENCE, StorageChanged("ok", "")]


def test_what_is_free_on_a_silent_disk_is_not_known(real: Bench, mocker: MockerFixture) -> None:
    real.wait()
    assert real.archive.free_bytes() is not None

    def hanging(path: Path, data: bytes, *access: int) -> None:
        real.clock.advance(SILENT_S + 1)
        assert real.archive.free_bytes() is None
        place_new(path, data, *access)

    mocker.patch.object(writer, "place_new", hanging)
    save(real.archive, 43)
    assert real.archive.free_bytes() is not None


def test_a_job_that_computes_for_a_minute_is_no_silent_disk(real: Bench, mocker: MockerFixture) -> None:
    taking(real, mocker, writer, "encoded", 60)
    save(real.archive, 43)
    real.wait()
    assert real.told == []


def test_a_large_picture_may_take_as_much_longer_as_a_slow_card_needs() -> None:
    clock = FakeClock()
    heartbeat = IoHeartbeat(clock)
    with heartbeat.timed():
        heartbeat.expect_write(10 * SLOWEST_BYTES_PER_S)
        clock.advance(SILENT_S + 9)
        assert not heartbeat.is_stale
        clock.advance(2)
        assert heartbeat.is_stale
    assert not heartbeat.is_stale


def test_a_folder_that_takes_minutes_to_look_through_is_no_silent_disk(real: Bench, mocker: MockerFixture) -> None:
    for frame in range(100, 110):
        save(real.archive, frame)
    taking(real, mocker, listing, "parse_file_name", SILENT_S - 1, times=99)
    real.watch.tidy()
    real.wait()
    assert real.told == []


def test_pictures_are_tidied_now_and_then(bench: Bench) -> None:
    for _ in range(round(2 * TIDY_S / LOOK_S)):
        bench.wait()
    assert bench.archive.tidies == 2


def test_a_look_makes_room_where_the_reserve_asks_for_it(tmp_path: Path, mocker: MockerFixture) -> None:
    disk = PictureArchive(tmp_path / "captures", BOOT, FakeClock(), IMAGES)
    disk.look(config())
    assert list(tmp_path.iterdir()) == []
    for frame in range(3):
        save(disk, frame)
    rooms = iter([FreeSpace(0, 1000), FreeSpace(0, 1000), FreeSpace(10**12, 1000)])
    mocker.patch.object(quota, "free_space", side_effect=rooms)
    disk.look(config(min_free_bytes=1))
    assert len(names(tmp_path / "captures")) == 4
    mocker.patch.object(quota, "free_space", return_value=FreeSpace(0, 1000))
    with pytest.raises(NoSpace):
        disk.look(config(min_free_bytes=1 << 40))


def test_what_is_free_is_known_from_the_last_look_and_unknown_where_the_disk_does_not_say(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    disk = PictureArchive(tmp_path / "captures", BOOT, FakeClock(), IMAGES)
    assert disk.free_bytes() is None
    mocker.patch.object(quota, "free_space", return_value=FreeSpace(3 * MIB, 1000))
    disk.look(config())
    assert disk.free_bytes() == 3 * MIB

    def dead(_directory: Path) -> FreeSpace:
        raise OSError(errno.EIO, "Input/output error")

    mocker.patch.object(quota, "free_space", dead)
    with pytest.raises(NotSaved):
        disk.look(config())
    assert disk.free_bytes() is None


@pytest.mark.parametrize(("free_bytes", "told"), [(3 * MIB + 7, 3), (None, None)])
def test_the_node_thread_asks_no_disk_for_its_figures(
    mocker: MockerFixture, free_bytes: int | None, told: int | None
) -> None:
    def hangs(_path: object) -> os.statvfs_result:
        raise AssertionError("a network share that is gone would hang the node here")

    mocker.patch.object(os, "statvfs", hangs)
    assert SystemMetrics(lambda: free_bytes, FakeClock(), list).read()["disk_free_mib"] == told
