"""Command line of the program ``pi-cam-node``: dispatches to subcommands.

Only what every subcommand needs is imported at the top: numpy and OpenCV take seconds on a small
board, and ``--help`` shall not.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pi_cam_node import __version__
from pi_cam_node.base.errors import ConfigError, nearest
from pi_cam_node.base.file_system import may_exist
from pi_cam_node.base.frozen import frozen
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.system.process import ended_cleanly, escape_unprintable, open_missing_streams

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pi_cam_node.config.loader import LoadedConfig

PROGRAM = "pi-cam-node"
DEFAULT_FILES = (Path("config.yaml"), Path("/etc/pi_cam_node/config.yaml"))

# 128 + SIGINT, as shells do. For a bad file sysexits.h has no better code than that of wrong use.
INTERRUPTED, BAD_USE, FAILED = 130, 2, 1
# Of a stdout that takes nothing: a full disk, a limit of size or quota, a terminal that is gone, or closed.
CANNOT_PRINT = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})


@frozen
class Subcommand:
    """A subcommand, imported only when it is used.

    Attributes:
        module: The module to import.
        summary: One line for ``--help``.
        function: The function in it: takes the arguments, returns the exit code.
    """

    module: str
    summary: str
    function: str = "main"

    def start(self, arguments: Sequence[str]) -> int:
        """Import and run the subcommand; return its exit code."""
        return int(getattr(importlib.import_module(self.module), self.function)(arguments))


SUBCOMMANDS = {
    "run": Subcommand("pi_cam_node.cli.run", "run the node"),
    "demo": Subcommand("pi_cam_node.cli.demo.command", "run a node on a synthetic camera with a broker of its own"),
    "house": Subcommand("pi_cam_node.cli.demo.house", "run four nodes, a door sensor and the console on this machine"),
    "setup": Subcommand(
        "pi_cam_node.cli.setup", "write the first configuration file; finds the broker, or asks for it"
    ),
    "check-config": Subcommand(__name__, "check a configuration file and list every fault", "check_config"),
    "call": Subcommand("pi_cam_node.cli.call.command", "send a command to a node and print its reply"),
    "doctor": Subcommand(
        "pi_cam_node.cli.doctor.command", "check this installation, and say what is wrong and what to do"
    ),
    "bench": Subcommand("pi_cam_node.cli.bench.command", "measure what this board can hold, and suggest settings"),
    "erase": Subcommand("pi_cam_node.cli.erase", "delete everything that a stopped node has stored"),
    "backup": Subcommand("pi_cam_node.cli.backup", "back up settings, state and database of a node into one file"),
    "restore": Subcommand("pi_cam_node.cli.backup", "restore a backup", "restore"),
    "console": Subcommand("pi_cam_node.cli.console", "run the console: one web interface for every node on the broker"),
    "import": Subcommand("pi_cam_node.cli.import_cameras", "take over the cameras of go2rtc, Frigate or motionEye"),
    "remote": Subcommand("pi_cam_node.cli.remote.command", "write the files for access to the console from outside"),
    "login": Subcommand("pi_cam_node.cli.login", "print a link that logs a browser in, once"),
    "docs": Subcommand("pi_cam_node.cli.reference", "write the reference: settings, commands, topics"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: The words after the program's name; by default those of this process.

    Returns:
        The exit code.
    """
    open_missing_streams()
    escape_unprintable()
    # More threads than one only cost on a small board. Read when numpy is imported, here and in the camera's process.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            with ended_cleanly():
                return _start(typed)
        finally:
            # Not only when Python exits, which reports a failure as a traceback. Also after --help, which exits.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None or error.errno not in CANNOT_PRINT:
            raise
        discard_stdout()
        print(f"{PROGRAM}: what was to be printed cannot be written: {in_words(error)}", file=sys.stderr)
        return FAILED


def _start(typed: Sequence[str]) -> int:
    """Run the subcommand that was typed; return its exit code."""
    subcommand = SUBCOMMANDS.get(typed[0]) if typed else None
    if subcommand is not None:
        try:
            os.getcwd()  # noqa: PTH109 - only whether there is one
        except OSError:
            print(f"{PROGRAM}: the folder in which you are is gone: `cd` into one that is there", file=sys.stderr)
            return BAD_USE
        return subcommand.start(typed[1:])
    parser = _parser()
    if typed and not typed[0].startswith("-"):
        parser.error(_unknown(typed[0]))
    parser.parse_args(typed)  # prints help, version or the error, and exits
    parser.print_help(sys.stderr)
    return BAD_USE


def _unknown(word: str) -> str:
    """Return what is said of a word that is no subcommand."""
    near = nearest(word, SUBCOMMANDS)
    lists = f"`{PROGRAM} --help` lists them, `{PROGRAM} call --help` those of a node"
    return f"there is no command {word!a}; {f'did you mean {near}?' if near else lists}"


def discard_stdout() -> None:
    """Redirect stdout to /dev/null after it has taken nothing, so that a later flush does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def check_config(arguments: Sequence[str]) -> int:
    """Print every fault of a configuration file and of the environment."""
    import argparse  # noqa: PLC0415 - see the top

    from pi_cam_node.cli.options import file_path  # noqa: PLC0415 - see the top

    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} check-config",
        description="Check a configuration file and the environment, and list every fault.",
    )
    parser.add_argument("file", type=file_path, nargs="?", metavar="FILE", help=files_in_words())
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the same")
    options = parser.parse_args(arguments)
    if options.file is not None and options.config is not None:
        parser.error("name one file, either alone or after --config")
    loaded = load(options.file or options.config)
    if loaded is None:
        return BAD_USE
    from pi_cam_node.web.auth.token import fault_of  # noqa: PLC0415 - see the top

    token_file = loaded.config.http.token_file
    if token_file is not None and (fault := fault_of(token_file)):
        print(f"http.token_file: {fault}", file=sys.stderr)
        return BAD_USE
    print(f"{loaded.path or 'without a file'}: no faults")
    return 0


def load(path: Path | None) -> LoadedConfig | None:
    """Load the settings; print every fault on stderr and return ``None`` where there is one.

    Args:
        path: The file named by the user; where there is none the first of `DEFAULT_FILES` that exists is taken.
    """
    from pi_cam_node.runtime import startup  # noqa: PLC0415 - see the top

    try:
        loaded = startup.checked(path or default_file(), os.environ)
    except ConfigError as error:
        refuse(error)
        return None
    print_origin(loaded, is_named=path is not None)
    return loaded


def refuse(error: ConfigError) -> int:
    """Print every fault of the settings on stderr; return the exit code."""
    for problem in error.problems:
        print(problem, file=sys.stderr)
    count = len(error.problems)
    print(f"{PROGRAM}: {count} fault{'s' * (count != 1)}, see above; nothing was changed or started", file=sys.stderr)
    return BAD_USE


def print_origin(loaded: LoadedConfig, *, is_named: bool) -> None:
    """Print on stderr where the settings come from, and their warnings."""
    if not is_named:
        print(f"{PROGRAM}: {_choice_in_words(loaded.path)}", file=sys.stderr)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)


def default_file() -> Path | None:
    """Return the configuration file that is used without ``--config``; ``None`` where there is none."""
    return next((file for file in DEFAULT_FILES if may_exist(file)), None)


def _choice_in_words(file: Path | None) -> str:
    if file is not None:
        return f"settings from {file.absolute()}"
    return f"neither {' nor '.join(map(str, DEFAULT_FILES))} exists: every setting has its default"


def files_in_words() -> str:
    """Return what ``--help`` says of ``--config``."""
    return f"the settings; by default {' or '.join(map(str, DEFAULT_FILES))}, whichever exists first"


def _parser() -> ArgumentParser:
    import argparse  # noqa: PLC0415 - see the top

    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="An MQTT camera node, and a console for all nodes on a broker.",
        epilog=f"`{PROGRAM} <command> --help` tells more about each.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=20),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="<command>")
    for name, subcommand in SUBCOMMANDS.items():
        commands.add_parser(name, help=subcommand.summary)
    return parser
