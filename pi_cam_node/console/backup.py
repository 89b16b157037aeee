"""Backup of the console as one tar archive: configuration, files named in it, database and keys.

The console may run meanwhile. Data of nodes that it supervises is not included: they are backed up as any other node.

Members of the archive:
    <name>: The configuration file, and files in its folder that it names.
    console-data/<name>: Contents of ``console.base_dir``: ``console.db``, keys, and the authority below ``ca``.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from pi_cam_node.base.backup_archive import add_database, add_file
from pi_cam_node.console import authority
from pi_cam_node.console.config.loader import LoadedConsole
from pi_cam_node.console.store.database import FILE_NAME

# Name of ``console.base_dir`` in the archive: its default name.
DATA = "console-data"


def write_backup(archive: tarfile.TarFile, loaded: LoadedConsole) -> int:
    """Write configuration and data of a console into an open archive; return the number of files.

    Args:
        archive: Open for writing.
        loaded: The settings.

    Raises:
        OSError: Something cannot be read, or the archive cannot be written.
        sqlite3.Error: The database cannot be copied.
    """
    folder = loaded.config.console.base_dir
    sizes = [add_file(archive, name, file) for name, file in (*_settings(loaded), *_data(folder))]
    sizes.append(add_database(archive, f"{DATA}/{FILE_NAME}", folder / FILE_NAME))
    return sum(size is not None for size in sizes)


def _settings(loaded: LoadedConsole) -> Iterator[tuple[str, Path]]:
    if loaded.path is None:
        return
    folder, tls, served = loaded.path.absolute().parent, loaded.config.mqtt.tls, loaded.config.console.tls
    yield loaded.path.name, loaded.path
    named = [loaded.config.mqtt.password_file, tls.ca, tls.cert, tls.key, served.cert, served.key]
    named += [camera.source_file for camera in loaded.cameras]
    for file in dict.fromkeys(file for file in named if file is not None):
        if file.is_relative_to(folder) and not file.is_relative_to(loaded.config.console.base_dir):
            yield str(file.relative_to(folder)), file


def _data(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield every small file of the folder, without the database and its earlier versions."""
    for below in ("", authority.FOLDER):
        place = folder / below
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            if file.is_file() and not file.is_symlink() and not file.name.startswith((FILE_NAME, ".")):
                yield str(Path(DATA, below, file.name)), file
