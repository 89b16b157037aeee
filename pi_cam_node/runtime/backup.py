"""Backup of a node as one tar archive: settings, files named in them, state, database, and optionally pictures.

The node may run meanwhile: small files are written atomically, SQLite makes a consistent copy of the database, and
pictures and films are read after it, so that none in the copy is missing, except those removed in between.

Members of the archive:
    manifest.json: Node, version and time; ``format`` is the version of this layout.
    config/<name>: The configuration file, and files in its folder that it names.
    state/<suffix>: Files of the state folder by the suffix of their name: ``good``, ``privacy_on``, ``events.db`` …
    pictures/<name>: Token and privacy marker from the folder of pictures; pictures and films with their side-cars.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pi_cam_node import __version__
from pi_cam_node.base.backup_archive import add_bytes, add_database, add_file
from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.core.media_ids import parse_file
from pi_cam_node.runtime.erase import OURS
from pi_cam_node.runtime.state_files import StateFiles, state_files
from pi_cam_node.storage.directory import entries, is_plain_file

FORMAT, MANIFEST, DATABASE = 1, "manifest.json", "events.db"
# Suffixes of the other files of the state folder that belong to a backup, see `small_state`.
SMALL_STATE = ("good", "privacy_on", "http_link_key", "names")


@frozen
class BackupReport:
    """Content of a backup.

    Attributes:
        files: Number of files other than pictures and films.
        pictures: Number of files of pictures and films.
        size_bytes: Total uncompressed size.
    """

    files: int
    pictures: int
    size_bytes: int


def write_backup(
    archive: tarfile.TarFile, loaded: LoadedConfig, environ: Mapping[str, str], *, pictures: bool
) -> BackupReport:
    """Write the data of a node into an open archive. Thread: any; takes long with pictures.

    Args:
        archive: Open for writing.
        loaded: The settings; they come from a file.
        environ: Environment with the state folder.
        pictures: Whether to include pictures and films.

    Raises:
        OSError: Something cannot be read, or the archive cannot be written.
        sqlite3.Error: The database cannot be copied.
    """
    config, path = loaded.config, loaded.path
    add_bytes(archive, MANIFEST, _manifest(config, path))
    sizes = [add_file(archive, name, file) for name, file in _small_files(loaded, environ)]
    database = state_files(path, environ).events
    if database is not None:
        sizes.append(add_database(archive, f"state/{DATABASE}", database))
    known = [size for size in sizes if size is not None]
    added = (add_file(archive, f"pictures/{file.name}", file) for file in _pictures(config)) if pictures else ()
    of_pictures = [size for size in added if size is not None]
    return BackupReport(len(known), len(of_pictures), sum(known) + sum(of_pictures))


def named_files(config: Config) -> list[Path]:
    """Return the owner's files named in settings: password, token, certificates and keys."""
    tls, served = config.mqtt.tls, config.http.tls
    named = (config.mqtt.password_file, tls.ca, tls.cert, tls.key, config.http.token_file, served.cert, served.key)
    return list(dict.fromkeys(file for file in named if file is not None))


def small_state(places: StateFiles) -> dict[str, Path]:
    """Return the files of the state folder that are copied unchanged, by suffix."""
    files = (places.good, places.private, places.link_key, places.names)
    return {end: file for end, file in zip(SMALL_STATE, files, strict=True) if file is not None}


def _small_files(loaded: LoadedConfig, environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield archive name and path of every file (which may not exist), except database and pictures."""
    if loaded.path is not None:
        folder = loaded.path.absolute().parent
        yield f"config/{loaded.path.name}", loaded.path
        for file in named_files(loaded.config):
            if file.is_relative_to(folder):
                yield f"config/{file.relative_to(folder)}", file
    for end, file in small_state(state_files(loaded.path, environ)).items():
        yield f"state/{end}", file
    for name in OURS:
        yield f"pictures/{name}", loaded.config.export.base_dir / name


def _pictures(config: Config) -> Iterator[Path]:
    """Yield the files of complete pictures and films."""
    folder = config.export.base_dir
    # Names alone: a path takes four times as much memory, and there may be hundreds of thousands.
    names = sorted(entry.name for entry in entries(folder))
    yield from (folder / name for name in names if parse_file(name) is not None and is_plain_file(folder / name))


def _manifest(config: Config, path: Path | None) -> bytes:
    facts = {
        "format": FORMAT,
        "version": __version__,
        "node": config.node.id,
        "config": path.name if path is not None else "",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(facts, indent=2).encode() + b"\n"
