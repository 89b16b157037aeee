"""All shell scripts pass shellcheck with all warnings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

FOLDERS = (".ci", "scripts", "examples", "pi_cam_node", "tests")
FIRST_LINE = re.compile(rb"#!\S*(?:/| )(?:ba|da)?sh\b|# Sourced by ")


def shell_scripts() -> list[Path]:
    """Return what begins as a shell script does."""
    found = []
    for folder in FOLDERS:
        for path in (REPOSITORY / folder).rglob("*"):
            if path.is_file() and path.suffix in ("", ".sh"):
                with path.open("rb") as file:
                    if FIRST_LINE.match(file.readline(200)):
                        found.append(path)
    return found


def test_every_shell_script_is_clean() -> None:
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    scripts = [str(path.relative_to(REPOSITORY)) for path in shell_scripts()]
    assert {"scripts/install", "scripts/environment.sh", ".ci/run", "examples/shell/ask.sh"} <= set(scripts)
    command = [program, "--external-sources", *scripts]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
