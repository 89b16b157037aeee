"""Reading what a person named: a file, and what is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pi_cam_node.base.bounded_read import open_stream, read_bounded


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100_000)
    assert len(read_bounded(path, 200_000)) == 100_000
    assert len(read_bounded(path, 5)) == 5
    path.write_bytes(b"")
    assert read_bounded(path, 5) == b""


def test_a_pipe_to_which_nobody_writes_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"nothing came within 0.05 s; it is a pipe or a device, expected a file"):
        read_bounded(path, 5, wait_s=0.05)


def test_the_output_of_a_command_is_read_to_its_end() -> None:
    read_end, write_end = os.pipe()
    command = ["/bin/sh", "-c", "echo first; sleep 0.1; echo second"]
    with subprocess.Popen(command, stdout=write_end):
        os.close(write_end)
        assert read_bounded(Path(f"/dev/fd/{read_end}"), 100) == b"first\nsecond\n"
    os.close(read_end)


def test_devices_and_folders_have_an_end(tmp_path: Path) -> None:
    assert read_bounded(Path("/dev/null"), 5) == b""
    assert read_bounded(Path("/dev/zero"), 5) == bytes(5)
    with pytest.raises(IsADirectoryError):
        read_bounded(tmp_path, 5)


def test_a_stream_is_opened_when_its_first_bytes_have_come(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"nothing came within 0.05 s") as told:
        open_stream(path, wait_s=0.05)
    assert told.value.filename == str(path)
    command = ["/bin/sh", "-c", f"exec > '{path}'; sleep 0.1; echo first; sleep 0.1; echo second"]
    with subprocess.Popen(command), open_stream(path) as stream:
        assert stream.read() == b"first\nsecond\n"
