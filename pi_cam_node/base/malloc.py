"""Returns freed memory to the system (glibc's malloc)."""

from __future__ import annotations

import ctypes
import gc

# Of malloc.h in glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Of prctl.h in Linux.
_PR_SET_THP_DISABLE = 41
# One for the main thread, one for all others.
_ARENAS = 2
# Most pictures of the ring are smaller; replies with pictures, PNGs and segments of video are not.
_LARGE_BYTES = 256 << 10


def limit_fragmentation() -> None:
    """Keep what many threads allocate from leaving gaps in the heap; to be called before there are threads.

    glibc gives each thread an arena of its own. Frames are allocated in one thread and freed in another, and what is
    left unused between them differs from arena to arena and grows with the hours, so all threads have two arenas;
    Python's lock makes contention on a shared arena negligible. And glibc takes large blocks from the system one by one
    and gives them back when they are freed, but only until the first of a size was freed; from then on those of this
    size come from the heap, too, up to 32 MiB. A fixed limit keeps that as it was in the beginning: the heaps of a node
    rose by half a MiB an hour before. See M_MMAP_THRESHOLD in mallopt(3).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        # As glibc would choose it; without it the heap shrinks and grows with each picture.
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE_BYTES)


def keep_for_next_picture(size_bytes: int) -> None:
    """Keep up to so much freed memory at the end of the heap, for a process that makes one picture after the other.

    By itself glibc gives the buffers of each picture back to the system and asks for them again: at 1024x768 that is 80
    page faults for a picture, a twentieth of the time that its JPEG takes.
    """
    library = ctypes.CDLL(None)
    # Both or none, because setting one keeps the other from following what the process needs: some versions of glibc
    # take no more than 512 KiB for the first on 32 bits.
    if hasattr(library, "mallopt") and library.mallopt(_M_MMAP_THRESHOLD, size_bytes):
        library.mallopt(_M_TRIM_THRESHOLD, size_bytes)


def refuse_huge_pages() -> None:
    """Let this process have pages of the usual size alone, whatever its libraries ask for.

    x264 rounds each of its buffers up to pages of 2 MiB: at 1024x768 it takes a third more memory so, and is no faster.
    """
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def release_startup_memory() -> None:
    """Give back what imports and preparations left unused; to be called when a process has got going.

    Objects that exist now stay, so they are exempt from garbage collection from now on; those that were exempt before
    and are garbage by now, such as a camera that was closed, are collected.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return_free_memory()


def return_free_memory() -> None:
    """Give freed memory back to the system; takes milliseconds. Thread: any.

    glibc keeps it for later, megabytes of it after an import of numpy or a picture drawn in floating point, and more
    with every kind of request that comes between two frames: it does not leak, but without this it never goes back.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc has it; others, such as musl, keep little
        library.malloc_trim(ctypes.c_size_t(0))
