"""Conversion of the camera process's output to the node's log."""

from __future__ import annotations

import logging

import pytest

from pi_cam_node.camera.worker.child_log import ChildLog, OneLine


def written(level: int, text: str, *arguments: object) -> bytes:
    return (OneLine().format(logging.LogRecord("picam", level, "f", 1, text, arguments, None)) + "\n").encode()


def test_records_keep_their_level_and_their_logger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ChildLog().feed(written(logging.ERROR, "it is %s", "hot"), 0)
    assert caplog.record_tuples == [("picam", logging.ERROR, "it is hot")]


def test_a_traceback_stays_one_record(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ChildLog().feed(written(logging.ERROR, "bad\nTraceback\n  File"), 0)
    assert caplog.record_tuples == [("picam", logging.ERROR, "bad | Traceback |   File")]


def test_what_libraries_write_is_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ChildLog().feed(b"[mjpeg @ 0x55] overread 8\n", 0)
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


def test_lines_that_come_in_pieces_are_put_together(caplog: pytest.LogCaptureFixture) -> None:
    log = ChildLog()
    with caplog.at_level(logging.DEBUG):
        for piece in (b"one ", b"line\nand ha", b"lf\n"):
            log.feed(piece, 0)
    assert [record.getMessage() for record in caplog.records] == [
        "camera process: one line",
        "camera process: and half",
    ]


def test_logins_do_not_get_through(caplog: pytest.LogCaptureFixture) -> None:
    log = ChildLog()
    with caplog.at_level(logging.DEBUG):
        log.feed(b"trying capture filename='rtsp://cam:hunter2@porch/x' ...\n", 0)
        log.feed(written(logging.WARNING, "rtsp://cam:hunter2@porch/x"), 0)
    assert "hunter2" not in caplog.text
    assert "hunter2" not in log.hint(0)
    assert len(caplog.records) == 2


def test_a_flood_is_cut_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    log = ChildLog()
    with caplog.at_level(logging.DEBUG):
        for _ in range(500):
            log.feed(b"overread\n", 1)
        log.feed(b"the next day\n", 100)
    assert len(caplog.records) == 22
    assert caplog.records[-2].getMessage() == "camera process: 480 more lines"


def test_what_ffmpeg_says_through_pyav_is_for_debugging_and_cut_too(caplog: pytest.LogCaptureFixture) -> None:
    """Damaged video of a network camera wrote thirty errors a second."""
    log, record = ChildLog(), logging.LogRecord("libav.h264", logging.ERROR, "f", 1, "no frame!", (), None)
    with caplog.at_level(logging.DEBUG):
        for _ in range(500):
            log.feed((OneLine().format(record) + "\n").encode(), 1)
    assert caplog.record_tuples == [("pi_cam_node.camera", logging.DEBUG, "camera process: no frame!")] * len(
        caplog.records
    )
    assert len(caplog.records) == 20
    assert log.hint(1) == "no frame!"


def test_bytes_that_are_no_text_and_lines_without_an_end_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    log = ChildLog()
    with caplog.at_level(logging.DEBUG):
        log.feed(b"\xff\xfe\x00\n", 0)
        log.feed(b"x" * 1_000_000, 0)
        log.feed(b"\n", 0)
    assert len(caplog.records) == 2
    assert len(caplog.records[1].getMessage()) < 5000


def test_the_last_words_of_a_library_are_a_hint_for_a_while() -> None:
    log = ChildLog()
    log.feed(b"[rtsp @ 0x55ae6363fcc0] method DESCRIBE failed: 401 Unauthorized\n", 10)
    assert log.hint(11) == "method DESCRIBE failed: 401 Unauthorized"
    assert log.hint(60) == ""
    log.forget()
    assert log.hint(11) == ""
