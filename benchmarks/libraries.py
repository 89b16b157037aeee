"""Libraries that node and camera process import, alone: a lower bound of their memory and start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks import accounting
from benchmarks.program import ENVIRONMENT
from pi_cam_node.cli.run import LIBRARY_SETTINGS

_ENVIRONMENT = {**ENVIRONMENT, **LIBRARY_SETTINGS}

# Modules whose import loads what a process needs; the camera's with the source of the benchmarks' film.
NODE = ("pi_cam_node.cli.run", "pi_cam_node.runtime.node")
CAMERA = ("pi_cam_node.camera.worker.child_main", "pi_cam_node.camera.sources.y4m_file")
# Imports the modules named in the arguments, without what node and camera process do not let libraries import.
_IMPORT = """
import importlib, sys
from contextlib import ExitStack
from pi_cam_node.base.deferred_import import deferred
with ExitStack() as stack:
    for name in ("importlib.metadata", "urllib.request", "pickle", "platform"): stack.enter_context(deferred(name))
    if any(name.partition(".")[0] == "numpy" for name in sys.argv[1:]): stack.enter_context(deferred("numpy.linalg"))
    for name in sys.argv[1:]: importlib.import_module(name)
"""
# Prints the modules that are loaded and no part of this package.
_LIST = """
print(*(name for name, module in list(sys.modules.items())
        if getattr(module, "__spec__", None) and name.partition(".")[0] != "pi_cam_node"))
"""
# Returns what the imports left over to the system, as the node does, and waits.
_WAIT = """
import ctypes, gc
gc.collect()
ctypes.CDLL(None).malloc_trim(0)
print("ready", flush=True)
sys.stdin.read()
"""


def loaded_by(modules: Sequence[str]) -> list[str]:
    """Return the names of all modules, of Python and of libraries, that are loaded when these are imported."""
    command = [sys.executable, "-c", _IMPORT + _LIST, *modules]
    out = subprocess.run(command, env=_ENVIRONMENT, check=True, capture_output=True, text=True, timeout=60)
    return out.stdout.split()


def memory_mib(*processes: Sequence[str]) -> float:
    """Return the proportional set size of interpreters that run at once and have only imported, in MiB.

    Args:
        processes: For each interpreter, the modules that it imports.

    Raises:
        RuntimeError: One of them cannot be imported; why is on stderr.
    """
    with ExitStack() as stack:
        running = []
        for names in processes:
            command = [sys.executable, "-X", "no_debug_ranges", "-c", _IMPORT + _WAIT, *names]
            process = subprocess.Popen(command, env=_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            stack.enter_context(process)
            running.append(process)
        for process in running:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError("an interpreter could not import its modules")
        return sum(accounting.pss_mib(process.pid) for process in running)
