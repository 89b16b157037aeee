"""Subcommands whose output cannot be written, or which are ended by a signal: nothing is left half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pi_cam_node.cli import main

ROOT = Path(main.__file__).parents[2]
CLOSED = "stdout is closed; send the output to a file, a pipe or /dev/null"
FULL = "No space left on device; make room on that disk, and run it again"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an empty settings file."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PI_CAM_NODE__")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it a failure is noticed at once, not at the end
    (tmp_path / "empty.yaml").write_text("")
    return tmp_path


def _run(words: str, redirection: str, stdout: int | None = None) -> tuple[int, str]:
    """Run the program in a shell; return its exit code and what is on stderr."""
    command = ["sh", "-c", f'exec "$0" -m pi_cam_node {words} {redirection}', sys.executable]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def _run_without_reader(words: str) -> tuple[int, str]:
    """Run the program with a pipe as stdout whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return _run(words, "", writer)
    finally:
        os.close(writer)


@pytest.mark.parametrize(("redirection", "why"), [(">&-", CLOSED), (">/dev/full", FULL)])
@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "call --help",
        "check-config empty.yaml",
        "login --config empty.yaml",
        "setup --config new.yaml --host broker.lan",
        "setup --config empty.yaml",
    ],
)
def test_output_that_cannot_be_written_is_said_in_a_sentence(words: str, redirection: str, why: str) -> None:
    expected = f"pi-cam-node: what was to be printed cannot be written: {why}\n"
    assert _run(words, redirection) == (main.FAILED, expected)


@pytest.mark.parametrize("words", ["--help", "check-config empty.yaml"])
def test_output_whose_reader_is_gone_is_no_traceback(words: str) -> None:
    assert _run_without_reader(words) == (main.INTERRUPTED, "")


@pytest.mark.parametrize(("redirection", "why"), [(">&-", CLOSED), (">/dev/full", FULL)])
def test_a_backup_that_cannot_be_written_is_said_to_be_none(redirection: str, why: str) -> None:
    expected = f"pi-cam-node: there is no backup: {why}\n"
    assert _run("backup --config empty.yaml", redirection) == (main.FAILED, expected)


def test_a_backup_whose_reader_is_gone_is_said_to_be_none() -> None:
    expected = "pi-cam-node: there is no backup: Broken pipe\n"
    assert _run_without_reader("backup --config empty.yaml") == (main.FAILED, expected)


@pytest.mark.parametrize(
    "words", ["call --help", "login --config empty.yaml", "remote --name cam.example.org --out f", "check-config $file"]
)
def test_a_terminal_that_is_not_utf_8_gets_what_it_can_show(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    for name, value in {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "file": "Küche.yaml"}.items():
        monkeypatch.setenv(name, value)
    (folder / "Küche.yaml").write_text("")
    assert _run(words, ">said")[0] == 0
    assert (folder / "said").read_bytes().isascii()


def test_a_file_whose_name_is_no_text_is_named(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\xff.yaml", "wb"):  # noqa: PTH123 - no text
        pass
    assert _run("check-config *.yaml", ">said")[0] == main.BAD_USE  # two files
    (folder / "empty.yaml").unlink()
    assert _run("check-config *.yaml", ">said")[0] == 0
    assert (folder / "said").read_text() == "\\udcff.yaml: no faults\n"


SLOW_BACKUP = """
import signal, sys
from pi_cam_node.cli import backup, main

def write(*_, **__):
    print("writing", file=sys.stderr, flush=True)
    signal.pause()

backup.write_backup = write
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_ended_by_a_signal_leaves_no_half_archive(folder: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", SLOW_BACKUP, "backup", "--config", "empty.yaml", "-o", "half.tgz"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as backup:
        assert backup.stderr is not None
        assert backup.stderr.readline() == "writing\n"
        assert (folder / "half.tgz").exists()
        backup.send_signal(number)
        assert (backup.wait(30), backup.stderr.read()) == (128 + number, "")
    assert not (folder / "half.tgz").exists()
