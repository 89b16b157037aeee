"""Closed standard streams become /dev/null, a signal ends a block in order, low resource limits are reported."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system.process import END_SIGNALS, end_at_once, ended_cleanly, stop_signals, tight_limits

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


@pytest.mark.parametrize("number", END_SIGNALS)
def test_a_signal_ends_a_block_in_order_and_those_that_follow_do_not_disturb_it(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in END_SIGNALS]
    tidied: list[int] = []

    def killed() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            for each in END_SIGNALS:
                os.kill(os.getpid(), each)
            tidied.append(number)

    with pytest.raises(SystemExit) as ended, ended_cleanly():
        killed()
    assert (ended.value.code, tidied) == (128 + number, [number])
    assert [signal.getsignal(each) for each in END_SIGNALS] == before


def test_a_service_that_still_starts_ends_by_the_signal_itself_and_can_be_stopped_by_three_later() -> None:
    with ended_cleanly():
        end_at_once()
        assert [signal.getsignal(each) for each in END_SIGNALS] == [signal.SIG_DFL, signal.SIG_DFL]
        assert stop_signals() == [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


def test_a_closed_terminal_ends_nothing_that_nohup_started() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_cleanly():
            os.kill(os.getpid(), signal.SIGHUP)
            end_at_once()
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop_signals() == [signal.SIGTERM, signal.SIGINT]
    finally:
        signal.signal(signal.SIGHUP, before)


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
