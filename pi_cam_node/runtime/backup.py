"""Backup of a node as one tar archive: settings and what they name, state, database, and pictures if asked for.

The node may run meanwhile: every small file is replaced as a whole by its writer, the database is copied by SQLite as
of one moment, and pictures and films are taken after it, so that none is missing that the copy has told of, but for
those that were removed in between.

Members of the archive:
    manifest.json: Of which node, which version and when; its ``format`` counts changes of this list.
    config/<name>: The configuration file, and files in its folder that it names.
    state/<end>: What lies in the state folder, by the end of its name: ``good``, ``privacy_on``, ``events.db`` …
    pictures/<name>: Token and privacy mark of the folder of pictures; pictures and films with their side-cars.
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
from pi_cam_node.runtime.last_good_config import StateFiles, state_files
from pi_cam_node.storage.directory import is_plain_file

FORMAT, MANIFEST, DATABASE = 1, "manifest.json", "events.db"


@frozen
class BackupReport:
    """Content of a backup.

    Attributes:
        files: Files but for pictures and films.
        pictures: Files of pictures and films.
        size_bytes: Bytes of all of them, not packed.
    """

    files: int
    pictures: int
    size_bytes: int


def write_backup(
    archive: tarfile.TarFile, loaded: LoadedConfig, environ: Mapping[str, str], *, pictures: bool
) -> BackupReport:
    """Write everything of a node into an open archive. Thread: any; takes as long as the pictures take to be read.

    Args:
        archive: Open for writing.
        loaded: The settings; they come from a file.
        environ: Where the state folder is looked up.
        pictures: Whether pictures and films go along.

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
    """Return the files that settings name and the owner has made: password, token, certificates and keys."""
    tls, served = config.mqtt.tls, config.http.tls
    named = (config.mqtt.password_file, tls.ca, tls.cert, tls.key, config.http.token_file, served.cert, served.key)
    return list(dict.fromkeys(file for file in named if file is not None))


def small_state(places: StateFiles) -> dict[str, Path]:
    """Return the files of the state folder that are copied as they are, by the end of their names."""
    found = {"good": places.good, "privacy_on": places.private, "http_link_key": places.link_key, "names": places.names}
    return {end: file for end, file in found.items() if file is not None}


def _small_files(loaded: LoadedConfig, environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield name in the archive and path of every file but database and pictures, where it may exist."""
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
    """Yield the files of pictures and films that are complete."""
    try:
        found = sorted(config.export.base_dir.iterdir())
    except FileNotFoundError:
        return
    yield from (file for file in found if parse_file(file.name) is not None and is_plain_file(file))


def _manifest(config: Config, path: Path | None) -> bytes:
    facts = {
        "format": FORMAT,
        "version": __version__,
        "node": config.node.id,
        "config": path.name if path is not None else "",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return json.dumps(facts, indent=2).encode() + b"\n"
