"""What a start leaves behind in memory, given back to the system."""

from __future__ import annotations

import ctypes
import gc


def settle() -> None:
    """Give back what imports and preparations left unused; to be called when a process has got going.

    What is alive now is there to stay, so Python looks through it no more when it collects garbage.
    """
    gc.collect()
    gc.freeze()
    trim()


def trim() -> None:
    """Give freed memory back to the system; takes milliseconds. Thread: any.

    glibc keeps it for later, megabytes of it after an import of numpy or a picture drawn in floating point, and more
    with every kind of request that comes between two frames: it does not leak, but without this it never goes back.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):  # glibc has it; others, such as musl, keep little
        library.malloc_trim(ctypes.c_size_t(0))
