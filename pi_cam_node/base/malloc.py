"""Memory of a process: returns what was freed to the system (glibc's malloc), and limits what is taken."""

from __future__ import annotations

import ctypes
import gc
import os
import resource

# Of malloc.h in glibc.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
# Of prctl.h in Linux.
_PR_SET_THP_DISABLE = 41
# Arenas: one for the main thread, one for all others.
_ARENAS = 2
# Larger blocks are mapped: replies with pictures, PNGs and video segments, but not most pictures.
_LARGE_BYTES = 256 << 10
# A process that decodes 2560x1440 in four threads reserves 245 MiB, of which 113 are its imports and stacks.
_LEAST_LIMIT_BYTES = 384 << 20


def limit_fragmentation() -> None:
    """Limit heap fragmentation by threads; to be called before any thread starts.

    glibc gives each thread an arena of its own. Frames are allocated in one thread and freed in another, so unused gaps
    in the arenas grow over hours; therefore all threads share two arenas (the GIL makes contention negligible). Large
    blocks are mapped and unmapped one by one, but glibc raises the threshold for this, up to 32 MiB, each time a mapped
    block is freed. A fixed threshold prevents that: without it the heap of a node grew by half a MiB an hour. See
    M_MMAP_THRESHOLD in mallopt(3).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, _ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        # As glibc would choose it; otherwise the heap shrinks and grows with each picture.
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE_BYTES)


def limit_private_memory(size_bytes: int) -> None:
    """Let allocations of this process fail beyond a size, or beyond half of the machine's memory if that is less.

    Counts memory that is written to and not shared, as reserved: RLIMIT_DATA in getrlimit(2). A lower limit stays.
    """
    half_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    most_bytes = min(size_bytes, max(half_bytes, _LEAST_LIMIT_BYTES))
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY or soft > most_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, hard))


def keep_for_next_picture(size_bytes: int) -> None:
    """Keep freed memory at the end of the heap, up to a size, for a process that encodes one picture after the other.

    By default glibc returns the buffers of each picture to the system and requests them again: at 1024x768 that is 80
    page faults for a picture, a twentieth of the encoding time.
    """
    library = ctypes.CDLL(None)
    # Both or none, since setting one disables the automatic choice of the other; some 32-bit versions of glibc refuse
    # more than 512 KiB for the first.
    if hasattr(library, "mallopt") and library.mallopt(_M_MMAP_THRESHOLD, size_bytes):
        library.mallopt(_M_TRIM_THRESHOLD, size_bytes)


def refuse_huge_pages() -> None:
    """Disable transparent huge pages for this process.

    x264 rounds its buffers up to pages of 2 MiB: at 1024x768 that takes a third more memory and is no faster.
    """
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def release_startup_memory() -> None:
    """Return memory left over from imports and start-up; to be called once a process has started.

    Present objects are exempted from garbage collection from now on (gc.freeze); objects exempted earlier that are
    garbage by now, such as a closed camera, are collected.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return_free_memory()


def return_free_memory() -> None:
    """Return freed memory to the system; takes milliseconds. Thread: any.

    glibc keeps freed memory, megabytes after an import of numpy or drawing in floating point: no leak, but without this
    call it is never returned.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc has it; others, such as musl, keep little
        library.malloc_trim(ctypes.c_size_t(0))
