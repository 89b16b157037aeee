"""Reading of a client's line from arbitrary chunks."""

from __future__ import annotations

import asyncio

import pytest

from pi_cam_node.base.errors import BadRequest, DeadlinePassed
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.tcp.connection import Connection, Timeouts, read_line

MAX = 64 * 1024


def line_of(*pieces: bytes, ended: bool = False, timeouts: Timeouts | None = None) -> bytes | None:
    async def read() -> bytes | None:
        reader = asyncio.StreamReader(limit=1 << 20)
        for piece in pieces:
            reader.feed_data(piece)
        if ended:
            reader.feed_eof()
        return await read_line(reader, timeouts or Timeouts())

    return asyncio.run(read())


@pytest.mark.parametrize("end", [b"\n", b"\nset night.gain 8\n", b"\n\xff"])
def test_a_line_ends_at_the_first_newline(end: bytes) -> None:
    assert line_of(b"set night.", b"gain 7" + end) == b"set night.gain 7"


def test_a_line_without_end_is_not_waited_for() -> None:
    with pytest.raises(BadRequest, match="longer"):
        line_of(bytes(MAX + 1), timeouts=Timeouts(line_s=1, silence_s=30))


def test_a_line_ends_at_the_end_of_the_input() -> None:
    assert line_of(b"night_level", ended=True) == b"night_level"


def test_a_line_ends_after_a_short_silence() -> None:
    assert line_of(b"night_level", timeouts=Timeouts(silence_s=0)) == b"night_level"


def test_who_leaves_without_a_word_sent_no_line() -> None:
    assert line_of(ended=True) is None


def test_an_empty_line_is_a_line() -> None:
    assert line_of(b"\n") == b""


def test_a_line_may_be_longer_than_one_packet_and_than_1024_bytes() -> None:
    long = b"save " + b" " * 3000 + b"jpg"
    assert line_of(long[:1500], long[1500:], b"\n") == long


def test_the_longest_line_passes_and_a_longer_one_is_refused() -> None:
    assert line_of(b"x" * MAX + b"\n") == b"x" * MAX
    with pytest.raises(BadRequest, match="longer than 65536 bytes"):
        line_of(b"x" * (MAX + 1) + b"\n")


def test_a_line_without_an_end_is_not_waited_for_once_it_is_too_long() -> None:
    with pytest.raises(BadRequest, match="longer than 65536 bytes"):
        line_of(b"x" * (MAX + 1))


def test_a_client_that_says_nothing_is_not_waited_for_for_ever() -> None:
    with pytest.raises(DeadlinePassed, match="no whole command came within 0 s"):
        line_of(timeouts=Timeouts(line_s=0))


def test_an_odd_file_name_in_a_reply_is_told_all_the_same() -> None:
    async def answer() -> bytes:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = Connection("one", (reader, writer), lambda *_: None, Timeouts(linger_s=0), PrivacyGate())
            await connection.refuse("ERROR: no room in /media/caf\udce9")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            line = await asyncio.wait_for(reader.read(), 5)
            writer.close()
        return line

    assert asyncio.run(answer()) == b"ERROR: no room in /media/caf?\n"
