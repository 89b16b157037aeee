"""``pi-cam-node backup`` and ``pi-cam-node restore``: back up a node to one file, and restore it."""

from __future__ import annotations

import argparse
import gzip
import os
import sqlite3
import stat
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pi_cam_node.base.atomic_files import FILE_MODE, sync_directory
from pi_cam_node.base.backup_archive import OneWayArchive
from pi_cam_node.base.bounded_read import open_stream
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli.erase import is_running
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.cli.main import BAD_USE, DEFAULT_FILES, FAILED, PROGRAM, default_file, discard_stdout, load, refuse
from pi_cam_node.cli.options import file_path
from pi_cam_node.runtime import startup
from pi_cam_node.runtime.backup import write_backup
from pi_cam_node.runtime.restore import BadArchive, restore_backup

# No compression, since pictures are compressed already.
COMPRESSION = 1


def main(arguments: Sequence[str]) -> int:
    """Write a backup; return 0 when it is complete and on the disk, 1 where it could not be, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} backup",
        description="Write settings, passwords, state and the database of a node into one file, a tar archive packed "
        "with gzip. The node may run. The file holds secrets: protect it like a password.",
    )
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the settings of the node")
    parser.add_argument("--pictures", action="store_true", help="pictures and films too")
    parser.add_argument("-o", "--output", type=file_path, metavar="FILE", help="a new file (default: stdout)")
    options = parser.parse_args(arguments)
    if options.output is None and sys.stdout.isatty():
        print(f"{PROGRAM}: name a file with -o, or send the output to one", file=sys.stderr)
        return BAD_USE
    loaded = load(options.config)
    if loaded is None:
        return BAD_USE
    try:
        with new_archive(options.output) as archive:
            report = write_backup(archive, loaded, os.environ, pictures=options.pictures)
    except (OSError, sqlite3.Error) as error:
        print(f"{PROGRAM}: there is no backup: {_why_none(error, options.output)}", file=sys.stderr)
        return FAILED
    what = f"{report.files} files and {report.pictures} of pictures and films, {report.size_bytes} bytes"
    print(f"{PROGRAM}: backup of {loaded.config.node.id}: {what}", file=sys.stderr)
    return 0


def _why_none(error: Exception, output: Path | None) -> str:
    """Return why there is no backup, and what to do."""
    # With sudo the installed program runs as the node's user, who may not write into other people's folders.
    if isinstance(error, PermissionError) and output is not None and str(error.filename) == str(output):
        return f"{output}: {error.strerror}; leave -o out, and write the output there: … backup >{output}"
    return in_words(error)


def restore(arguments: Sequence[str]) -> int:
    """Bring back a backup; return 0 when all is in place, 1 where it cannot be, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} restore",
        description="Restore a backup of a node that is stopped. Files that are replaced are kept as "
        "<name>.before-restore; a picture that exists is left as it is.",
    )
    parser.add_argument("archive", type=file_path, nargs="?", metavar="ARCHIVE", help="the backup (default: stdin)")
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the configuration file to write")
    parser.add_argument("--yes", action="store_true", help="also where a configuration file exists")
    options = parser.parse_args(arguments)
    if options.archive is None and sys.stdin.isatty():
        print(f"{PROGRAM}: name the archive, or send it to the input", file=sys.stderr)
        return BAD_USE
    path = (options.config or default_file() or DEFAULT_FILES[-1]).absolute()
    try:
        if path.exists():
            if not options.yes:
                print(f"{PROGRAM}: {path} exists, nothing was changed; --yes sets it aside", file=sys.stderr)
                return BAD_USE
            if _runs(path):
                print(f"{PROGRAM}: the node runs; stop it first", file=sys.stderr)
                return BAD_USE
        with open_stream(options.archive) if options.archive else sys.stdin.buffer as source:
            report = restore_backup(source, path, os.environ)
    except ConfigError as error:
        return refuse(error)
    except (BadArchive, OSError) as error:
        print(f"{PROGRAM}: not restored: {in_words(error)}", file=sys.stderr)
        return FAILED
    for aside in report.aside:
        print(f"{PROGRAM}: what was there before is {aside}", file=sys.stderr)
    what = f"{report.files} files, {report.pictures} of them of pictures and films"
    print(f"{PROGRAM}: restored {report.node} as of {report.made}: {what}", file=sys.stderr)
    return 0


def _runs(path: Path) -> bool:
    """Return whether the node of a configuration file is online; false if the file is invalid."""
    try:
        return is_running(startup.checked(path, os.environ).config)
    except ConfigError:
        return False


@contextmanager
def new_archive(path: Path | None) -> Iterator[tarfile.TarFile]:
    """Yield an archive to write to: in a new file, or to stdout.

    Raises:
        OSError: The file exists, or one of the two cannot be written.
    """
    with (
        _stdout() if path is None else _new_file(path) as file,
        gzip.GzipFile("", "wb", COMPRESSION, file) as packed,
        OneWayArchive.open(fileobj=packed, mode="w|") as archive,
    ):
        yield archive


@contextmanager
def _stdout() -> Iterator[IO[bytes]]:
    """Yield stdout; synced if it is a file, about which the user is warned where others can read it."""
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        mode = os.fstat(sys.stdout.fileno()).st_mode
        if stat.S_ISREG(mode):
            os.fsync(sys.stdout.fileno())
            if mode & (stat.S_IRGRP | stat.S_IROTH):  # the shell has made it, perhaps for another user
                print(f"{PROGRAM}: others can read that file, which holds secrets: chmod 600 it", file=sys.stderr)
    except OSError:
        discard_stdout()  # what is left of it: the caller says why there is no backup
        raise


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a new file that is private, and synced at the end; it is removed after a failure."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            yield file
            file.flush()
            os.fsync(descriptor)
        sync_directory(path.absolute().parent)
    except BaseException:
        path.unlink()
        raise
