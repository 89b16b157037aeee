"""The rules of the fault suite itself, in a separate pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

@pytest.mark.root
@pytest.mark.promise("M4")
def test_that_needs_root():
    pytest.skip("no root here")

@pytest.mark.faults
def test_that_takes_long():
    pass

@pytest.mark.faults
@pytest.mark.short
def test_that_is_short():
    pass
"""


def run(folder: Path, tests: str, *options: str) -> tuple[int, str]:
    (folder / "test_it.py").write_text(tests)
    settings = (f"--rootdir={folder}", f"-c{folder}/none.ini", "-pno:cacheprovider", "-ptests.conftest")
    (folder / "none.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", *settings, "-Wignore", *options, str(folder)]
    environment = {**os.environ, "FAULTS_RESULTS": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_long_tests_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS)
    assert (code, "1 passed, 1 skipped, 1 deselected" in said) == (0, True), said


def test_a_fault_run_in_which_nothing_had_root_fails(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS, "--faults")
    assert code == 1, said
    assert "2 passed, 1 skipped" in said
    assert "all 1 tests that need root or a loop device were skipped: no root here" in said


def test_a_promise_that_nobody_made_is_refused(tmp_path: Path) -> None:
    code, said = run(tmp_path, TESTS.replace("M4", "M444"), "--faults")
    assert code != 0
    assert "has no M444" in said
