"""Closed standard streams are replaced by /dev/null, and low resource limits are reported."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system.process import tight_limits

FREE = {resource.RLIMIT_FSIZE: resource.RLIM_INFINITY, resource.RLIMIT_NOFILE: 1024}

PROGRAM = """
import errno, os, sys
from pi_cam_node.system.process import open_missing_streams
open_missing_streams()
print("to stderr", file=sys.stderr, flush=True); sys.stdin.read()
try:
    print("to stdout", flush=True)
except OSError as error:
    print(errno.errorcode[error.errno], file=sys.stderr, flush=True)
later = os.open("/dev/null", os.O_RDONLY)
os._exit(7 if later > 2 else 8)
"""


@pytest.mark.parametrize("closed", ["", "0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_program_with_closed_streams_runs_and_opens_nothing_in_their_place_and_only_a_closed_stdout_is_noticed(
    closed: str,
) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, PROGRAM],
        input="",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 7
    assert ended.stdout == ("" if "1>" in closed else "to stdout\n")
    assert ended.stderr == ("" if "2>" in closed else "to stderr\nEBADF\n" if "1>" in closed else "to stderr\n")


@pytest.mark.parametrize(
    ("tight", "said"),
    [
        ({}, []),
        ({resource.RLIMIT_NOFILE: resource.RLIM_INFINITY}, []),
        ({resource.RLIMIT_FSIZE: 65_536}, ["files may have 65536 bytes at most (ulimit -f"]),
        ({resource.RLIMIT_NOFILE: 64}, ["64 files may be open at most (ulimit -n"]),
        ({resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NOFILE: 0}, ["files may have 0", "0 files may be open"]),
    ],
)
def test_only_a_tight_limit_is_said(mocker: MockerFixture, tight: dict[int, int], said: list[str]) -> None:
    limits = {**FREE, **tight}
    mocker.patch.object(resource, "getrlimit", lambda which: (limits[which], resource.RLIM_INFINITY))
    lines = list(tight_limits())
    assert len(lines) == len(said)
    assert all(line.startswith(words) for line, words in zip(lines, said, strict=True))
