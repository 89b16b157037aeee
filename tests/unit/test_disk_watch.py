"""The disk is looked after while nobody saves."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.arrivals import Arrival, StorageChanged
from pi_cam_node.board.vitals import Vitals
from pi_cam_node.config import MIB, Config
from pi_cam_node.errors import Busy, NodeError, NoSpace, NotSaved
from pi_cam_node.storage import space
from pi_cam_node.storage.archive import DiskArchive
from pi_cam_node.storage.files import Room
from pi_cam_node.storage.watch import LOOK_S, SILENT_S, TIDY_S, DiskWatch
from tests.fakes.clock import FakeClock
from tests.fakes.pictures import BOOT, config, names, save


class FakeArchive:
    """A disk as the test wants it."""

    def __init__(self) -> None:
        self.error: NodeError | None = None
        self.looks = self.tidies = 0

    def look(self, _config: Config) -> None:
        self.looks += 1
        if self.error is not None:
            raise self.error

    def tidy(self, _config: Config) -> int:
        self.tidies += 1
        return 0


class Bench:
    """A watch whose worker works when told."""

    def __init__(self) -> None:
        self.clock, self.archive = FakeClock(), FakeArchive()
        self.jobs: list[Any] = []
        self.told: list[Arrival] = []
        self.worker_full = self.inbox_full = False
        archive: Any = self.archive
        self.watch = DiskWatch(archive, self._submit, self._post, self.clock)

    def _submit(self, job: Any) -> int:
        if self.worker_full:
            raise Busy("ERROR: too much work is waiting")
        self.jobs.append(job)
        return len(self.jobs)

    def _post(self, arrival: Arrival) -> bool:
        if not self.inbox_full:
            self.told.append(arrival)
        return not self.inbox_full

    def wait(self, seconds: float = LOOK_S, *, work: bool = True) -> None:
        self.clock.advance(seconds)
        self.watch.tick(config())
        if work:
            jobs, self.jobs = self.jobs, []
            for job in jobs:
                job(lambda _done, _total: None)
            self.watch.tick(config())


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
    bench.watch.tick(config())
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


def test_a_disk_that_no_longer_answers_is_told_and_so_is_its_answer(bench: Bench) -> None:
    def hang(_config: Config) -> None:
        bench.wait(SILENT_S, work=False)
        assert [arrival.code for arrival in bench.told if isinstance(arrival, StorageChanged)] == ["not_saved"]

    bench.archive.look = hang  # type: ignore[method-assign]
    bench.wait()
    assert bench.told[-1] == StorageChanged("ok", "")


def test_pictures_are_tidied_now_and_then(bench: Bench) -> None:
    for _ in range(round(2 * TIDY_S / LOOK_S)):
        bench.wait()
    assert bench.archive.tidies == 2


def test_a_look_makes_room_where_the_reserve_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = DiskArchive(tmp_path / "captures", BOOT, FakeClock())
    archive.look(config())
    assert list(tmp_path.iterdir()) == []
    for frame in range(3):
        save(archive, frame)
    rooms = iter([Room(0, 1000), Room(0, 1000), Room(10**12, 1000)])
    monkeypatch.setattr(space, "room_in", lambda _directory: next(rooms))
    archive.look(config(min_free_bytes=1))
    assert len(names(tmp_path / "captures")) == 4
    monkeypatch.setattr(space, "room_in", lambda _directory: Room(0, 1000))
    with pytest.raises(NoSpace):
        archive.look(config(min_free_bytes=1 << 40))


def test_what_is_free_is_known_from_the_last_look_and_unknown_where_the_disk_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = DiskArchive(tmp_path / "captures", BOOT, FakeClock())
    assert archive.free_bytes() is None
    monkeypatch.setattr(space, "room_in", lambda _directory: Room(3 * MIB, 1000))
    archive.look(config())
    assert archive.free_bytes() == 3 * MIB

    def dead(_directory: Path) -> Room:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(space, "room_in", dead)
    with pytest.raises(NotSaved):
        archive.look(config())
    assert archive.free_bytes() is None


@pytest.mark.parametrize(("free_bytes", "told"), [(3 * MIB + 7, 3), (None, None)])
def test_the_node_thread_asks_no_disk_for_its_figures(
    monkeypatch: pytest.MonkeyPatch, free_bytes: int | None, told: int | None
) -> None:
    def hangs(_path: object) -> os.statvfs_result:
        raise AssertionError("a network share that is gone would hang the node here")

    monkeypatch.setattr(os, "statvfs", hangs)
    assert Vitals(lambda: free_bytes, FakeClock(), lambda: None).read()["disk_free_mib"] == told
