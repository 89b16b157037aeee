"""Subcommand ``run``: runs the node.

Imports are minimal, as they stay in memory while the node runs, and most come after the start of the camera's process.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pi_cam_node.base import malloc
from pi_cam_node.base.deferred_import import deferred
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli.main import PROGRAM, default_file, files_in_words, print_origin, refuse
from pi_cam_node.system.process import end_at_once

if TYPE_CHECKING:
    from pi_cam_node.config.loader import LoadedConfig
    from pi_cam_node.runtime.startup import Start

# Environment for libraries: no plugins of pydantic; the default path of zoneinfo, which would otherwise import 0.4 MB
# of Python's build settings to determine it.
LIBRARY_SETTINGS = {
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
    "PYTHONTZPATH": "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo",
}

# Thresholds of the garbage collector, see `gc.set_threshold`. Garbage of imports are classes replaced by decorators,
# which leave gaps of 1.3 MB if collected late. Old generations are rarely collected: they contain little garbage, and
# scanning them takes a tenth of the import time.
USUAL, IMPORTING = gc.get_threshold(), (5000, 1_000_000, 1_000_000)

EXIT_CODES = """\
exit codes:
  0    stopped by SIGTERM, SIGINT or SIGHUP
  2    nothing was started: the settings cannot be used, nor are there last good ones, or a node with the same file runs
  70   a fault that only a new start repairs
  75   the command restart asked for a new start
  79   the command erase has removed everything
A supervisor such as systemd should start the node again after every code but 79; see
systemd/pi-cam-node.service."""


def main(arguments: Sequence[str]) -> int:
    """Run the node until it is stopped."""
    path = _file_to_run(arguments)
    end_at_once()
    gc.set_threshold(*IMPORTING)
    for variable, value in LIBRARY_SETTINGS.items():
        os.environ.setdefault(variable, value)
    with deferred("importlib.metadata"):
        from pi_cam_node.runtime import startup  # noqa: PLC0415 - see the top
    from pi_cam_node.runtime.state_lock import locked_state  # noqa: PLC0415 - see the top
    from pi_cam_node.system.systemd import is_restarted  # noqa: PLC0415 - see the top

    malloc.limit_fragmentation()
    file = path or default_file()
    try:
        with locked_state(file, os.environ):
            loaded, start = startup.begin(file, os.environ)
            print_origin(loaded, is_named=path is not None)
            code = _run_node(loaded, start)
    except ConfigError as error:
        return refuse(error)
    from pi_cam_node.core.commands.status import RESTART_CODE  # noqa: PLC0415 - brings all commands: not before the start

    if code == RESTART_CODE and not is_restarted(os.environ, os.getpid(), os.getppid()):
        logging.shutdown()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the very command that started this process
    return code


def _file_to_run(arguments: Sequence[str]) -> Path | None:
    """Return the named configuration file, if any; exit after help or a usage error."""
    match arguments:
        case []:
            return None
        # The form used by services: saves half a megabyte for argparse.
        case ["--config", file] if file and not file.startswith("-"):
            return Path(file)
    import argparse  # noqa: PLC0415 - see the top

    from pi_cam_node.cli.options import file_path  # noqa: PLC0415 - see the top

    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} run",
        description="Run the node.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=file_path, metavar="FILE", help=files_in_words())
    named: Path | None = parser.parse_args(arguments).config
    return named


def _run_node(loaded: LoadedConfig, start: Start) -> int:
    """Run the node with these settings; return its exit code."""
    from pi_cam_node.runtime import startup  # noqa: PLC0415 - see the top
    from pi_cam_node.system import log  # noqa: PLC0415 - see the top

    start = startup.with_camera_process(start, loaded)
    with deferred("urllib.request"):
        from pi_cam_node.runtime.node import Node  # noqa: PLC0415 - see the top

    log.configure(loaded.config)
    log.install_hooks()
    node = Node(loaded, start=start)
    gc.set_threshold(*USUAL)
    return node.run()
