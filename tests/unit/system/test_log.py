"""The log: format, masking of secrets, and failures of its output."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.redaction import MASK, redactor
from pi_cam_node.config import Config
from pi_cam_node.system import log, log_file
from tests.support.fakes.clock import FakeClock

CANARY = "canary-5d21"
ESCAPE = "\x1b"
_log = logging.getLogger("pi_cam_node.test")


@pytest.fixture(autouse=True)
def _as_it_was(mocker: MockerFixture) -> Iterator[None]:
    """Put the process's logging back."""
    root, level = logging.getLogger(), logging.getLogger().level
    mocker.patch.object(logging, "raiseExceptions", logging.raiseExceptions)
    for name in ("excepthook", "unraisablehook"):
        mocker.patch.object(sys, name, getattr(sys, name))
    mocker.patch.object(threading, "excepthook", threading.excepthook)
    yield
    log._install([])
    root.setLevel(level)
    logging.captureWarnings(capture=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def configured(
    stream: io.StringIO | None = None,
    settings: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> io.StringIO:
    stream = io.StringIO() if stream is None else stream
    log.configure(Config.model_validate(settings or {}), stream, environ=environ)
    return stream


def caught(error: Exception, cause: Exception | None = None) -> Exception:
    """Return an error as it is after it was raised and caught."""
    try:
        raise error from cause
    except type(error):
        return error


def test_a_line_has_time_level_name_and_message() -> None:
    stream = configured()
    _log.info("frame %d of %s", 7, "porch")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d INFO     pi_cam_node\.test: frame 7 of porch\n",
        stream.getvalue(),
    )


def test_the_level_holds_and_can_be_changed_live() -> None:
    stream = configured(settings={"logging": {"level": "WARNING"}})
    _log.info("one")
    log.set_level("DEBUG")
    _log.debug("two")
    log.set_level("ERROR")
    _log.warning("three")
    assert [word in stream.getvalue() for word in ("one", "two", "three")] == [False, True, False]


def test_configuring_again_replaces_the_old_handlers() -> None:
    first, second = configured(), configured()
    _log.warning("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_only_a_terminal_gets_colours(stream: type[io.StringIO], environ: dict[str, str], coloured: bool) -> None:
    written = configured(stream(), environ=environ)
    _log.error("red")
    assert (ESCAPE in written.getvalue()) is coloured


def test_a_file_never_gets_escape_codes(tmp_path: Path) -> None:
    configured(Terminal(), {"logging": {"file": tmp_path / "new" / "node.log"}})
    _log.error("evil %s", f"{ESCAPE}[2J\r\x07")
    text = (tmp_path / "new" / "node.log").read_text()
    assert "ERROR" in text
    assert r"evil \x1b[2J\r\x07" in text
    assert ESCAPE not in text


def test_a_line_break_in_a_message_makes_no_line_of_its_own() -> None:
    stream = configured()
    _log.info("a\n2026-11-20 00:00:00 CRITICAL forged\u2028x\x85y")
    lines = stream.getvalue().splitlines()
    assert lines[1] == r"    2026-11-20 00:00:00 CRITICAL forged\u2028x\x85y"
    assert len(lines) == 2


def test_the_journal_gets_priorities_instead_of_times(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("w") as stream:
        file = os.fstat(stream.fileno())
        log.configure(Config(), stream, environ={"JOURNAL_STREAM": f"{file.st_dev}:{file.st_ino}"})
        _log.info("hello")
        _log.critical("two\nlines")
    assert path.read_text() == "<6>pi_cam_node.test: hello\n<2>pi_cam_node.test: two\n<2>    lines\n"


def test_a_journal_elsewhere_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    with path.open("w") as stream:
        log.configure(Config(), stream, environ={"JOURNAL_STREAM": "1:2"})
        _log.info("hello")
    assert not path.read_text().startswith("<6>")


# ---------------------------------------------------------------- secrets


SETTINGS = {
    "mqtt": {"username": "u", "password": CANARY},
    "camera": {"source": "rtsp://admin:hunter22@porch.example/live"},
}


@pytest.mark.parametrize(
    "message",
    [
        CANARY,
        f"connecting as u with {CANARY}…",
        f"[{CANARY}]",
        "hunter22 by itself",
        "rtsp://admin:hunter22@porch.example/live",
        "rtsp://other:canary-5d2@10.0.0.1/ and http://x:hunter22@y/",
        "rtsp://a/user=admin&password=hunter22&channel=1",
        "http://cam/snap?pwd=hunter22",
    ],
)
def test_a_secret_is_masked(message: str) -> None:
    stream = configured(settings=SETTINGS)
    _log.info(message)
    _log.info("%s", message)
    _log.info("%(a)r", {"a": [message]})
    assert stream.getvalue().count(MASK) >= 3
    assert not re.search("canary-5d2|hunter22", stream.getvalue())


def test_a_secret_in_a_traceback_is_masked(tmp_path: Path) -> None:
    stream = configured(settings=SETTINGS | {"logging": {"file": tmp_path / "node.log"}})
    error = caught(RuntimeError("rtsp://a:hunter22@b failed"), caught(ValueError(f"bad login {CANARY}")))
    _log.error("it failed", exc_info=error, stack_info=True)
    for text in (stream.getvalue(), (tmp_path / "node.log").read_text()):
        assert "Traceback" in text
        assert "Stack (most recent call last)" in text
        assert "RuntimeError: rtsp://********@b failed" in text
        assert CANARY not in text
        assert f"bad login {MASK}" in text


@pytest.mark.parametrize("secret", ['pa"ss/w@rd', "pass\\word", "pässwörd", "p%40ss word"])
def test_a_secret_is_masked_in_every_spelling(secret: str) -> None:
    import json  # noqa: PLC0415
    from urllib.parse import quote  # noqa: PLC0415

    mask = redactor([secret])
    for text in (secret, repr(secret), json.dumps(secret), quote(secret), quote(secret, safe="")):
        assert mask(text).strip("\"'") == MASK


def test_a_secret_too_short_to_hide_masks_no_other_words() -> None:
    assert redactor(["a", "", "abc"])("a banana, abc") == "a banana, abc"


def test_addresses_without_a_login_stay() -> None:
    text = "rtsp://porch.example:554/live mailto:a@b.example http://[::1]:80/x?y=1"
    assert redactor([])(text) == text


def test_masking_a_hostile_line_takes_no_time() -> None:
    hostile = "://" * 20_000
    assert redactor([CANARY])(hostile) == hostile


# ---------------------------------------------------------------- what it survives


def test_a_broken_log_call_is_reported_and_masked(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured(settings=SETTINGS)
    _log.info("%d frames %s", CANARY)
    assert "could not be filled in: TypeError" in stream.getvalue()
    assert "test_log.py:" in stream.getvalue()
    assert CANARY not in stream.getvalue()
    assert capsys.readouterr() == ("", "")


def test_a_closed_console_costs_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    stream.close()
    _log.error("nobody reads this")
    assert capsys.readouterr() == ("", "")


def test_the_file_is_turned_over_and_three_old_ones_are_kept(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(log_file, "MAX_FILE_BYTES", 500)
    configured(settings={"logging": {"file": tmp_path / "node.log"}})
    for number in range(100):
        _log.info("line %d", number)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["node.log", "node.log.1", "node.log.2", "node.log.3"]
    assert max(p.stat().st_size for p in tmp_path.iterdir()) <= 500
    assert "line 99" in (tmp_path / "node.log").read_text()


@pytest.mark.parametrize("move", [lambda file: file.rename(file.with_suffix(".old")), Path.unlink])
def test_a_file_that_logrotate_moved_is_made_anew(tmp_path: Path, move: Callable[[Path], object]) -> None:
    file = tmp_path / "node.log"
    configured(settings={"logging": {"file": file}})
    _log.info("before")
    move(file)
    _log.info("after")
    assert "before" not in file.read_text()
    assert "after" in file.read_text()


def test_a_file_that_was_emptied_is_written_from_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "node.log"
    configured(settings={"logging": {"file": file}})
    _log.info("before")
    os.truncate(file, 0)  # as logrotate's copytruncate does
    _log.info("after")
    assert file.read_text().endswith("after\n")
    assert "\0" not in file.read_text()


class Disk:
    """A log file on a disk that can be unplugged, with a fake clock."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = FakeClock()
        self.path = tmp_path / "log" / "node.log"
        self.console = configured()
        self.file = log_file.LogFile(self.path, self.clock.monotonic)
        self.file.setFormatter(log._installed[0].formatter)
        log._install([log._installed[0], self.file])

    def unplug(self) -> None:
        self.path.parent.write_text("not a folder")

    def plug(self) -> None:
        self.path.parent.unlink()


def test_a_dead_disk_is_told_once_and_tried_again(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.unplug()
    for number in range(50):
        _log.info("line %d", number)
        disk.clock.advance(10)
    assert disk.console.getvalue().count("cannot be written") == 1
    assert disk.console.getvalue().count("line ") == 50
    assert disk.file.lost == 51  # and the line that says so
    disk.plug()
    disk.clock.advance(log_file.RETRY_S)
    _log.info("here again")
    assert "is written again; 51 lines are missing in it" in disk.console.getvalue()
    assert "here again" in disk.path.read_text()
    assert disk.file.lost == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_under_an_open_file_takes_nothing_along(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    _log.info("written")
    assert disk.file.stream is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, disk.file.stream.fileno())
    os.close(full)
    disk.path.unlink()
    disk.path.symlink_to("/dev/full")  # the same file by its name, too: one that was moved is opened again
    _log.info("lost")
    assert disk.file.lost == 2
    assert disk.file.stream is None
    assert disk.console.getvalue().count("cannot be written") == 1


# ---------------------------------------------------------------- hooks


def test_an_error_nobody_caught_is_logged() -> None:
    stream = configured(settings=SETTINGS)
    log.install_hooks()
    error = caught(RuntimeError(f"lost {CANARY}"))
    sys.excepthook(RuntimeError, error, error.__traceback__)
    assert "CRITICAL" in stream.getvalue()
    assert f"RuntimeError: lost {MASK}" in stream.getvalue()


def test_ctrl_c_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    log.install_hooks()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert stream.getvalue() == ""
    assert "KeyboardInterrupt" in capsys.readouterr().err


def test_a_thread_that_dies_is_logged_by_its_name() -> None:
    stream = configured()
    log.install_hooks()
    thread = threading.Thread(name="mqtt-link")
    for kind, error in ((OSError, OSError("gone")), (ValueError, None), (SystemExit, SystemExit())):
        threading.excepthook(threading.ExceptHookArgs((kind, error, None, thread)))
    assert stream.getvalue().count("thread mqtt-link ends") == 2
    assert "OSError: gone" in stream.getvalue()


def test_an_error_in_a_finalizer_is_logged() -> None:
    class Careless:
        def __del__(self) -> None:
            raise OSError("too late")

    stream = configured()
    log.install_hooks()
    careless = Careless()
    del careless
    assert "OSError: too late" in stream.getvalue()


def test_warnings_of_libraries_are_logged() -> None:
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "py.warnings" in stream.getvalue()
    assert "old ways" in stream.getvalue()
