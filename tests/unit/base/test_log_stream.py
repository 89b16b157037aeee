"""A log stream that nobody reads loses lines; the threads that log go on."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pi_cam_node.base.log_stream import LogStream


class Pipe:
    """A pipe with a log stream at its end, and nobody who reads until asked."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.stream = os.fdopen(writer, "w", encoding="utf-8", newline="")
        self.handler = LogStream(self.stream)

    def fill(self) -> None:
        """Write until the pipe takes no more."""
        descriptor = self.stream.fileno()
        os.set_blocking(descriptor, False)
        with suppress(BlockingIOError):
            while True:
                os.write(descriptor, b"." * 4096)
        os.set_blocking(descriptor, True)

    def read(self, size_bytes: int = 1 << 20) -> str:
        return os.read(self.reader, size_bytes).decode()

    def log(self, *messages: str) -> None:
        """Log on another thread, which hangs where the handler does."""
        records = [logging.LogRecord("x", logging.INFO, "", 0, message, (), None) for message in messages]
        thread = threading.Thread(target=lambda: [self.handler.handle(record) for record in records], daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive(), "it waits for a reader"


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reader)
    with suppress(OSError):
        made.stream.close()


def test_lines_that_nobody_reads_are_lost_and_counted(pipe: Pipe) -> None:
    pipe.log("first")
    pipe.fill()
    pipe.log("second", "third")
    assert pipe.handler.lost == 2
    assert pipe.read().rstrip(".") == "first\n"
    pipe.log("fourth")
    assert pipe.read() == "2 lines are missing here, as nobody read them\nfourth\n"
    assert pipe.handler.lost == 0


def test_a_line_that_is_longer_than_the_room_is_cut_and_the_next_begins_anew(pipe: Pipe) -> None:
    pipe.fill()
    pipe.read(4096)
    pipe.log("é" * 100_000)
    assert pipe.handler.lost == 1
    assert pipe.read().strip(".é") == ""
    pipe.log("next")
    assert pipe.read() == "\n1 lines are missing here, as nobody read them\nnext\n"


def test_a_stream_whose_reader_is_gone_costs_its_lines_alone(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), pipe.reader)
    pipe.log("lost", "lost too")
