"""``pi-cam-node console``: runs the console, or checks its file."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli import main as program

DEFAULT_FILES = (Path("console.yaml"), Path("/etc/pi_cam_node/console.yaml"))
# Of the extra ``console``, by the names under which they are imported.
NEEDED = ("cryptography", "jinja2")


def main(arguments: Sequence[str]) -> int:
    """Run the console until it is stopped; return the exit code: 0, 2 where its settings are not usable."""
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} console",
        description="Run the console: live view, events, sensors, rules and pushes for every node on the broker.",
        epilog="The first start writes a link to set the console up with into console.base_dir, and says so.",
    )
    files = " or ".join(map(str, DEFAULT_FILES))
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"the settings; by default {files}, or none")
    parser.add_argument("--check", action="store_true", help="only tell every fault of the file")
    options = parser.parse_args(arguments)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        parser.exit(
            program.BAD_USE,
            f"the console needs {' and '.join(missing)}: pip install 'pi-cam-node[console]', "
            "or on Debian apt-get install python3-jinja2 python3-cryptography\n",
        )
    try:
        return _run(options.config, is_check=options.check)
    except ConfigError as error:
        return program.refuse(error)


def _run(path: Path | None, *, is_check: bool) -> int:
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415 - the help is shown without pydantic
    from pi_cam_node.system import log  # noqa: PLC0415

    chosen = path or next((file for file in DEFAULT_FILES if file.exists()), None)
    loaded = load(chosen, os.environ)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if is_check:
        print(f"{chosen or 'without a file'}: no faults")
        return 0
    print(
        f"{program.PROGRAM}: {f'settings from {chosen.absolute()}' if chosen else 'no file: defaults'}", file=sys.stderr
    )
    from pi_cam_node.console.program import Console  # noqa: PLC0415

    log.configure(loaded.config)
    log.install_hooks()
    return Console(loaded).run()
