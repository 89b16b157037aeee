"""Anonymous memory: its pages take memory once they are written, and can be returned to the system."""

from __future__ import annotations

import mmap

# Least memory that `return_copied` returns at a time.
_CHUNK_BYTES = 1 << 20


def new_block(size_bytes: int) -> mmap.mmap:
    """Return a block of this process alone, filled with zeros."""
    return mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def page_before(offset: int) -> int:
    """Return the begin of the page in which an offset lies."""
    return offset // mmap.PAGESIZE * mmap.PAGESIZE


def page_after(offset: int) -> int:
    """Return the begin of the first page that begins at an offset or after it."""
    return -(-offset // mmap.PAGESIZE) * mmap.PAGESIZE


def return_pages(block: mmap.mmap, start: int, end: int) -> None:
    """Return the memory from the begin of a page up to an offset to the system; it reads as zeros then."""
    block.madvise(mmap.MADV_DONTNEED, start, end - start)


def return_copied(block: mmap.mmap, start: int, end: int, returned: int) -> int:
    """Return the memory of a block that is copied piece by piece, in chunks.

    Args:
        block: The block; its pieces are copied in ascending order, and once again from the front.
        start: Begin of the piece that was copied last.
        end: Its end.
        returned: Offset up to which memory was returned, the result of the call before.

    Returns:
        The offset up to which memory has been returned.
    """
    begin = 0 if start < returned else returned
    first, last = page_after(begin), page_before(end)
    if last - first < _CHUNK_BYTES:
        return begin
    return_pages(block, first, last)
    return last
