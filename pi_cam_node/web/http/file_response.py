"""Sends a file from disk: whole, a byte range, or 304 Not Modified. Tolerates slow disks and clients.

aiohttp's FileResponse follows symlinks, prefers a ``.gz`` beside the file, and waits for ever for a client that stops
reading.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import BinaryIO

from aiohttp import web

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.frozen import frozen
from pi_cam_node.web.http import privacy_cutoff
from pi_cam_node.web.http.disk_pool import DISK, DiskPool
from pi_cam_node.web.http.privacy_cutoff import PrivacyGate

CHUNK_BYTES = 256 * 1024

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.ASCII | re.IGNORECASE)


def is_known(request: web.Request, etag: str, modified: datetime | None = None) -> bool:
    """Tell whether the client's copy is current. If-None-Match takes precedence over dates (RFC 9110, 13.2.2)."""
    if request.if_none_match is not None:
        return any(tag.value in (etag, "*") for tag in request.if_none_match)
    since = request.if_modified_since
    return modified is not None and since is not None and modified <= since


@frozen
class Stored:
    """An open file with its size, modification time and ETag. Close `file` after use.

    Attributes:
        file: The file, open for reading.
        name: File name.
        size_bytes: Size when it was opened.
        modified: Modification time, UTC, whole seconds.
        etag: Strong ETag.
    """

    file: BinaryIO
    name: str
    size_bytes: int
    modified: datetime
    etag: str


class Unsatisfiable(Exception):
    """The requested byte range lies beyond the end of the file."""


def open_stored(path: str) -> Stored | None:
    """Open a regular file; ``None`` if it is missing or something else, such as a symlink.

    Thread: any but the event loop's; reads the disk.
    """
    try:
        # Non-blocking: opening a FIFO would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        return None
    file = os.fdopen(descriptor, "rb", buffering=0)
    modified = datetime.fromtimestamp(int(facts.st_mtime), UTC)
    return Stored(file, path.rpartition("/")[2], facts.st_size, modified, f"{facts.st_mtime_ns:x}-{facts.st_size:x}")


def span_of(asked: str | None, size_bytes: int) -> tuple[int, int] | None:
    """Return offset and length of a ``Range`` header; ``None`` for the whole file.

    A malformed header, or several ranges, yield the whole file, as RFC 9110 allows.

    Raises:
        Unsatisfiable: The range lies beyond the end.
    """
    match = _RANGE.fullmatch(asked or "")
    first, last = match.groups() if match else ("", "")
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size_bytes - int(last)), size_bytes
    else:
        begin, end = int(first), min(int(last) + 1 if last else size_bytes, size_bytes)
        if last and int(last) < begin:
            return None
    if begin >= size_bytes:
        raise Unsatisfiable
    return begin, end - begin


async def send(
    request: web.Request, stored: Stored, headers: Mapping[str, str], gate: PrivacyGate
) -> web.StreamResponse:
    """Send an open file: whole, the requested range, or 304 if the client's copy is current.

    Args:
        request: The request.
        stored: The file, which stays open.
        headers: Further headers, including Content-Type.
        gate: Privacy gate, which aborts the response.

    Raises:
        PrivacyOn: Privacy is on.
        web.HTTPRequestRangeNotSatisfiable: The range lies beyond the end.
        ConnectionError: The client disconnected or stopped reading, or the disk failed.
    """
    date = format_datetime(stored.modified, usegmt=True)
    headers = {**headers, "ETag": f'"{stored.etag}"', "Last-Modified": date, "Accept-Ranges": "bytes"}
    if is_known(request, stored.etag, stored.modified):
        return web.Response(status=304, headers=headers)
    is_same = request.headers.get("If-Range", date) in (date, headers["ETag"])
    try:
        span = span_of(request.headers.get("Range") if is_same else None, stored.size_bytes)
    except Unsatisfiable:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{stored.size_bytes}"}) from None
    begin, length = span or (0, stored.size_bytes)
    if span:
        headers["Content-Range"] = f"bytes {begin}-{begin + length - 1}/{stored.size_bytes}"
    response = web.StreamResponse(status=206 if span else 200, headers=headers)
    response.content_length = length
    with privacy_cutoff.abort_on_privacy(gate, request):
        await response.prepare(request)
        if request.method != "HEAD":
            await _pour(request, response, stored.file, begin, length)
        await response.write_eof()
    return response


async def _pour(request: web.Request, response: web.StreamResponse, file: BinaryIO, begin: int, length: int) -> None:
    """Write a part of a file, and wait until it is sent.

    Raises:
        ConnectionError: The client stopped reading, the disk failed, or the file was truncated; the connection is
            aborted.
    """
    at, end = begin, begin + length
    try:
        while at < end:
            chunk = await _read(request.app[DISK], file, at, min(CHUNK_BYTES, end - at))
            await privacy_cutoff.send(request, response.write(chunk))
            at += len(chunk)
        await privacy_cutoff.send(request, response.write_eof())
    except (OSError, EOFError, Busy) as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionAbortedError(str(error)) from error


async def _read(disk: DiskPool, file: BinaryIO, at: int, size_bytes: int) -> bytes:
    """Read bytes of a file at an offset.

    Raises:
        EOFError: The file was truncated.
        Busy: The disk hangs.
        DeadlinePassed: The disk did not respond in time.
    """
    chunk = await disk.run(os.pread, file.fileno(), size_bytes, at)
    if not chunk:
        raise EOFError("the file has been cut short")
    return chunk
