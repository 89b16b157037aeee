"""How glibc is told to keep memory; other C libraries are left as they are."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

# Threads allocate side by side, then the C library tells of its arenas.
ARENAS = """
import ctypes, threading
from pi_cam_node.base import malloc
{first}
libc, together = ctypes.CDLL(None), threading.Barrier(6)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
def work():
    together.wait()
    libc.malloc(ctypes.c_size_t(10_000))
    together.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="this is not glibc")
@pytest.mark.parametrize(("first", "is_few"), [("malloc.share_arenas()", True), ("", False)])
def test_all_threads_share_two_arenas(first: str, is_few: bool) -> None:
    command = [sys.executable, "-c", ARENAS.format(first=first)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert (told.count("<heap nr=") <= 2) is is_few
