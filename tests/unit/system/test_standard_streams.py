"""Standard streams that were closed by whoever started the program lead to /dev/null; the others stay as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from pi_cam_node.system import standard_streams
standard_streams.open_missing()
print("to stdout"); print("to stderr", file=sys.stderr); sys.stdin.read()
sys.stdout.flush(); sys.stderr.flush()
later = os.open("/dev/null", os.O_RDONLY)
os._exit(7 if later > 2 else 8)
"""


@pytest.mark.parametrize("closed", ["", "0<&-", "1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_a_program_with_closed_streams_runs_and_opens_nothing_in_their_place(closed: str) -> None:
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
    assert ended.stderr == ("" if "2>" in closed else "to stderr\n")
