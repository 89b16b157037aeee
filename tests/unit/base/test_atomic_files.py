"""Atomic writing of files."""

from __future__ import annotations

import errno
import os
import resource
import stat
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.atomic_files import create_atomically, replace_atomically, sync
from tests.support.injected_faults import FaultyCalls


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refuse_links(mocker: MockerFixture) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    mocker.patch.object(os, "link", refuse)


def test_replacing_gives_a_file_its_new_content(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"old")
    replace_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["config.yaml"]


def test_replacing_makes_a_file_that_is_missing(tmp_path: Path) -> None:
    replace_atomically(tmp_path / "config.yaml", b"new")
    assert (tmp_path / "config.yaml").read_bytes() == b"new"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_is_the_one_asked_for_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        replace_atomically(tmp_path / "config.yaml", b"", mode)
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "config.yaml") == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
@pytest.mark.parametrize(("group_id", "group"), [(None, 54321), (777, 777)])
def test_a_file_that_root_replaces_still_belongs_to_its_owner(tmp_path: Path, group_id: int | None, group: int) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    replace_atomically(path, b"new", 0o640, group_id)
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, group, 0o640)


def test_replacing_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "config.yaml"
    real.write_bytes(b"old")
    link.symlink_to(real)
    replace_atomically(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "config.yaml"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file"):
        replace_atomically(pipe, b"new")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert names(tmp_path) == ["config.yaml"]


def test_creating_makes_a_file_for_the_owner_only(tmp_path: Path) -> None:
    create_atomically(tmp_path / "a.jpg", memoryview(b"data"))
    assert (tmp_path / "a.jpg").read_bytes() == b"data"
    assert mode_of(tmp_path / "a.jpg") == 0o600
    assert names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("links", [True, False])
def test_creating_never_overwrites(tmp_path: Path, mocker: MockerFixture, links: bool) -> None:
    if not links:
        refuse_links(mocker)
    (tmp_path / "a.jpg").write_bytes(b"first")
    with pytest.raises(FileExistsError):
        create_atomically(tmp_path / "a.jpg", b"second")
    assert (tmp_path / "a.jpg").read_bytes() == b"first"
    assert names(tmp_path) == ["a.jpg"]


def test_creating_does_not_follow_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        create_atomically(tmp_path / "a.jpg", b"data")
    assert not (tmp_path / "elsewhere").exists()


def test_creating_works_on_a_file_system_without_hard_links(tmp_path: Path, mocker: MockerFixture) -> None:
    refuse_links(mocker)
    create_atomically(tmp_path / "a.jpg", b"data")
    assert (tmp_path / "a.jpg").read_bytes() == b"data"
    assert names(tmp_path) == ["a.jpg"]


def test_the_content_is_synced_before_it_has_its_name_and_the_name_after(tmp_path: Path, mocker: MockerFixture) -> None:
    calls = FaultyCalls(mocker, errno.EIO)
    create_atomically(tmp_path / "a.jpg", b"data")
    assert [call for call in calls.made if call in ("write", "fsync", "link")] == ["write", "fsync", "link", "fsync"]
    calls.made.clear()
    replace_atomically(tmp_path / "a.jpg", b"data")
    assert [c for c in calls.made if c in ("write", "fsync", "replace")] == ["write", "fsync", "replace", "fsync"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_creating_leaves_nothing_behind_whichever_call_fails(tmp_path: Path, mocker: MockerFixture, code: int) -> None:
    calls = FaultyCalls(mocker, code)
    failures = 0
    for _, error in calls.failing_one_by_one(lambda: create_atomically(tmp_path / "a.jpg", b"data")):
        failures += 1
        assert error.errno == code
        assert names(tmp_path) == []
    assert failures >= len(("open", "write", "fsync", "link", "unlink", "open", "fsync"))
    assert names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_replacing_leaves_the_old_or_the_new_file_whichever_call_fails(
    tmp_path: Path, mocker: MockerFixture, code: int
) -> None:
    path = tmp_path / "config.yaml"
    calls = FaultyCalls(mocker, code)
    failures = 0

    def attempt() -> None:
        path.write_bytes(b"old")
        replace_atomically(path, b"new")

    for done, error in calls.failing_one_by_one(attempt):
        failures += 1
        assert error.errno == code
        assert path.read_bytes() == (b"new" if "replace" in done else b"old")
        assert names(tmp_path) == ["config.yaml"]
    assert failures >= len(("open", "write", "fsync", "replace", "open", "fsync"))
    assert path.read_bytes() == b"new"


def test_a_file_that_somebody_else_wrote_is_synced_and_then_its_name(tmp_path: Path, mocker: MockerFixture) -> None:
    (tmp_path / "config.yaml").write_bytes(b"new")
    calls = FaultyCalls(mocker, errno.EIO)
    sync(tmp_path / "config.yaml")
    assert calls.made == ["open", "fsync", "open", "fsync"]


def test_what_a_dead_process_of_the_same_number_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f".a.jpg.{os.getpid()}.part").write_bytes(b"half")
    create_atomically(tmp_path / "a.jpg", b"whole")
    assert (tmp_path / "a.jpg").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.jpg"]


def test_a_directory_that_cannot_be_synced_is_no_failure(tmp_path: Path, mocker: MockerFixture) -> None:
    real = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    mocker.patch.object(os, "fsync", only_files)
    create_atomically(tmp_path / "a.jpg", b"data")
    assert (tmp_path / "a.jpg").read_bytes() == b"data"


def test_a_write_that_the_kernel_cuts_short_and_refuses_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            create_atomically(tmp_path / "a.jpg", bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []
