"""``pi-cam-node console``: runs the console, checks its file, issues its certificate, backs it up, sets a password."""

from __future__ import annotations

import argparse
import getpass
import importlib.util
import os
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pi_cam_node.base.errors import BadRequest, ConfigError
from pi_cam_node.base.extras import install_command
from pi_cam_node.base.file_system import may_exist
from pi_cam_node.cli import main as program
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.cli.options import file_path
from pi_cam_node.system.process import end_at_once

DEFAULT_FILES = (Path("console.yaml"), Path("/etc/pi_cam_node/console.yaml"))
# Of the extra ``console``, by the names under which they are imported.
NEEDED = ("cryptography", "jinja2")


def main(arguments: Sequence[str]) -> int:
    """Run the console until it is stopped; return the exit code: 0, 2 where its settings are not usable."""
    if arguments[:1] == ["ca"]:
        return issue_certificate(arguments[1:])
    if arguments[:1] == ["backup"]:
        return back_up(arguments[1:])
    if arguments[:1] == ["password"]:
        return set_password(arguments[1:])
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} console",
        description="Run the console: live view, events, sensors, rules and pushes for every node on the broker.",
        epilog="The first start writes a one-time link for the first account into console.base_dir, and says so. "
        f"`{program.PROGRAM} console ca` makes a certificate that phones accept; "
        f"`{program.PROGRAM} console backup` backs it up; "
        f"`{program.PROGRAM} console password` is for who forgot theirs.",
    )
    files = " or ".join(map(str, DEFAULT_FILES))
    parser.add_argument("--config", type=file_path, metavar="FILE", help=f"the settings; by default {files}, or none")
    parser.add_argument("--check", action="store_true", help="only check the file and list every fault")
    options = parser.parse_args(arguments)
    _require_extra(parser)
    end_at_once()
    try:
        return _run(options.config, is_check=options.check)
    except ConfigError as error:
        return program.refuse(error)


def issue_certificate(arguments: Sequence[str]) -> int:
    """Issue a certificate by the private authority; return the exit code: 0, or 2 on failure."""
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} console ca",
        description="Make a certificate authority for the house, or use the one that is there, and issue the console's "
        "certificate. Devices that install the authority's certificate accept the console, and can get pushes from it.",
        epilog="Run it again without --name to renew the console's certificate: it is valid for 13 months.",
    )
    parser.add_argument("--name", action="append", default=[], help="a host name or address of the console; repeatable")
    parser.add_argument(
        "--config", type=file_path, metavar="FILE", help="the console's settings, for its folder and port"
    )
    options = parser.parse_args(arguments)
    _require_extra(parser)
    from pi_cam_node.console import authority  # noqa: PLC0415 - the help is shown without the extra
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415

    try:
        console = load(chosen_file(options.config), os.environ).config.console
        issued = authority.issue(console.base_dir.absolute(), options.name, datetime.now(UTC))
    except ConfigError as error:
        return program.refuse(error)
    except (OSError, ValueError) as error:
        print(f"{program.PROGRAM} console ca: {in_words(error)}", file=sys.stderr)
        return program.BAD_USE
    folder, host = issued.folder, issued.names[0]
    print(f"the certificate for {', '.join(issued.names)} is in {folder}; it ends on {issued.ends:%Y-%m-%d}")
    if console.tls.cert != folder / authority.CERTIFICATE or not console.tls.enable:
        print("in console.yaml:\n  console:\n    host: 0.0.0.0")
        cert, key = folder / authority.CERTIFICATE, folder / authority.KEY
        print(f"    tls: {{enable: true, cert: {cert}, key: {key}}}")
    print("restart the console: it reads the certificate when it starts")
    address = f"https://{f'[{host}]' if ':' in host else host}:{console.port}/ca.crt"
    print(
        f"on each phone and computer, once: fetch {address}, install and trust it; its fingerprint there (SHA-256) is\n"
    )
    print(f"  {issued.fingerprint}\n")
    return 0


def back_up(arguments: Sequence[str]) -> int:
    """Write a backup; return 0 when it is complete and on the disk, 1 where it could not be, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} console backup",
        description="Write settings, passwords, keys and the database of the console into one file, a tar archive "
        "packed with gzip. The console may run. The file holds secrets: keep it as the password is kept.",
    )
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the console's settings")
    parser.add_argument("-o", "--output", type=file_path, metavar="FILE", help="a new file (default: stdout)")
    options = parser.parse_args(arguments)
    if options.output is None and sys.stdout.isatty():
        print(f"{program.PROGRAM}: name a file with -o, or send the output to one", file=sys.stderr)
        return program.BAD_USE
    from pi_cam_node.cli.backup import new_archive  # noqa: PLC0415 - the help is shown without pydantic
    from pi_cam_node.console.backup import write_backup  # noqa: PLC0415
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415

    try:
        loaded = load(chosen_file(options.config), os.environ)
        with new_archive(options.output) as archive:
            files = write_backup(archive, loaded)
    except ConfigError as error:
        return program.refuse(error)
    except (OSError, sqlite3.Error) as error:
        print(f"{program.PROGRAM}: there is no backup: {in_words(error)}", file=sys.stderr)
        return program.FAILED
    print(f"{program.PROGRAM}: backup of the console {loaded.config.console.id}: {files} files", file=sys.stderr)
    return 0


def set_password(arguments: Sequence[str]) -> int:
    """Set the password of an account; return 0 when it is written, 2 where it could not be."""
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} console password",
        description="Set the password of an account, for an owner who forgot it. It is asked for, or read from the "
        "first line of the input. Every session of the account ends.",
    )
    parser.add_argument("name", metavar="NAME", help="of the account")
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the console's settings")
    options = parser.parse_args(arguments)
    from pi_cam_node.console.accounts import password_reset  # noqa: PLC0415 - the help is shown without pydantic
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415
    from pi_cam_node.console.store.database import FILE_NAME  # noqa: PLC0415

    try:
        database = load(chosen_file(options.config), os.environ).config.console.base_dir / FILE_NAME
        given = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        name = password_reset.set_password(database, options.name, given)
    except ConfigError as error:
        return program.refuse(error)
    except (BadRequest, sqlite3.Error) as error:
        print(f"{program.PROGRAM} console password: {error}", file=sys.stderr)
        return program.BAD_USE
    print(f"{name} has the new password; a console that runs takes it when it is started again")
    return 0


def _require_extra(parser: argparse.ArgumentParser) -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        parser.exit(
            program.BAD_USE,
            f"the console needs {' and '.join(missing)}: `{install_command('console')}`, "
            "or for the Python of Debian `sudo apt-get install python3-jinja2 python3-cryptography`\n",
        )


def chosen_file(path: Path | None) -> Path | None:
    """Return the file that is named, or the first of `DEFAULT_FILES` that exists; ``None`` where there is none."""
    return path or next((file for file in DEFAULT_FILES if may_exist(file)), None)


def _run(path: Path | None, *, is_check: bool) -> int:
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415 - the help is shown without pydantic
    from pi_cam_node.system import log  # noqa: PLC0415

    chosen = chosen_file(path)
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
