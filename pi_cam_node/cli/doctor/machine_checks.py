"""Whether pictures can be written where the settings want them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import MIB, Config
from pi_cam_node.storage.directory import room_in

CHECK = "disk"
# Room for some dozens of pictures above the reserve.
LITTLE_BYTES = 200 * MIB


def check(config: Config) -> Finding:
    """Write a file that vanishes at once into the folder, or into the one in which it will be made."""
    folder = config.export.base_dir
    existing = next(path for path in (folder, *folder.parents) if _is_there(path))
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x")
            probe.flush()
        room = room_in(existing)
    except OSError as error:
        return failed(
            CHECK,
            f"{existing} cannot be written: {error.strerror or error}",
            "give it to the user that runs the node, or change export.base_dir",
        )
    where = str(folder) if existing == folder else f"{folder} will be made in {existing}"
    return judge(where, room.free_bytes, config.storage.min_free_bytes)


def _is_there(path: Path) -> bool:
    """Tell whether a folder is there, as far as we may look: of one that we may not see its parent says so."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def judge(where: str, free_bytes: int, reserve_bytes: int) -> Finding:
    """Judge what is free against what must stay free."""
    text = f"{where}; {free_bytes // MIB} MiB free, {reserve_bytes // MIB} MiB of them reserved"
    if free_bytes < reserve_bytes:
        advice = "free some space, or lower storage.min_free_bytes: nothing can be saved once old pictures are gone"
        return failed(CHECK, text, advice)
    if free_bytes < reserve_bytes + LITTLE_BYTES:
        return warning(CHECK, text, "free some space: the oldest pictures will have to go soon")
    return ok(CHECK, text)
