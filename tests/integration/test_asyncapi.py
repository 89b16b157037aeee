"""The AsyncAPI document is valid for the AsyncAPI project's own parser."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

CHECK = REPOSITORY.parent / "shared" / "tools" / "clients" / "asyncapi_check.mjs"
DOCUMENT = REPOSITORY / "docs" / "asyncapi.yaml"
# Kept, so that only the first run on a machine fetches it, and only the first suite judges a document.
INSTALLED = Path(os.environ.get("ASYNCAPI_DIR", "/tmp/asyncapi-parser"))
PARSER = "@asyncapi/parser@3.6.3"
INSTALL_S, CHECK_S = 300, 300


def install() -> None:
    """Install the parser where it is missing; skip where it cannot be."""
    if (INSTALLED / "node_modules" / "@asyncapi" / "parser").exists():
        return
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(INSTALLED), PARSER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm is not done within {INSTALL_S} s")
    if done.returncode:
        pytest.skip(f"the parser of AsyncAPI cannot be installed here: {done.stderr.strip()[-200:]}")


def test_the_parser_of_the_asyncapi_project_accepts_the_document_and_its_examples() -> None:
    if not CHECK.exists() or shutil.which("npm") is None:
        pytest.skip(f"there is no {CHECK.name} beside the repository, or no npm")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    judged = INSTALLED / f"{hashlib.sha256(DOCUMENT.read_bytes()).hexdigest()}.txt"
    with (INSTALLED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not judged.exists():
            install()
            command = ["node", str(CHECK), str(DOCUMENT)]
            environment = {**os.environ, "MODULES": str(INSTALLED)}
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=CHECK_S, env=environment, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            judged.write_text(done.stdout)
    assert "valid: 3.0.0" in judged.read_text()
    assert "examples not checked" not in judged.read_text()
