"""Each file call of a save fails, or is the last one before the process ends."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.faults import fault_tools
from tests.support.reliability.results import ROOT

pytestmark = [pytest.mark.faults, pytest.mark.promise("S8")]

PATIENCE_S = 3600.0


@pytest.mark.parametrize("program", ["config_writer", "picture_writer"])
def test_whatever_call_fails_or_is_the_last_leaves_the_old_state_or_the_new_one(
    program: str, long: bool, figure: Callable[[str], None]
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    tool = fault_tools.FOLDER / "syscrash.py"
    if not tool.exists():
        pytest.skip("the fault tools are not beside the repository")
    # One thread only: strace counts the calls of each by itself.
    begin = f"cd {shlex.quote(str(ROOT))} && exec env OPENBLAS_NUM_THREADS=1 {shlex.quote(sys.executable)} -m "
    run = f"-c {shlex.quote(begin + f'tests.faults.{program} once ')}"
    command = [sys.executable, str(tool), "--kill", "--error", "ENOSPC,EIO,EROFS" if long else "ENOSPC"]
    command += ["--run", f"sh {run[:-1]}{{dir}}{run[-1]}", "--ok-codes", "0,3"]
    command += ["--check", f"{begin}tests.faults.{program} check {{dir}}"]
    if program == "config_writer":
        command += ["--prepare", f"{begin}tests.faults.{program} prepare {{dir}}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    injected = re.match(r"(\d+) faults injected at (\d+) call sites, 0 bad", ended.stdout)
    assert injected, ended.stdout
    assert int(injected[2]) > 5
    figure(f"{program}: {injected[0]}")
