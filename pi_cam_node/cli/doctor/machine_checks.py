"""Checks of this machine: configuration, clock, memory and disk."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pi_cam_node.base.clock import IsClockSynced
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.units import MIB
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import Config
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.sections.node import has_container_id
from pi_cam_node.core.rules.memory_budget import (
    automatic_budget,
    frame_bytes_of,
    ring_budget_bytes,
    video_budget_bytes,
)
from pi_cam_node.storage.directory import free_space

CONFIGURATION, CLOCK, MEMORY, DISK, NODE_ID = "configuration", "clock", "memory", "disk", "node id"
# Space for some dozens of pictures above the reserve.
LITTLE_BYTES = 200 * MIB
_FULL = "free some space: `df -h` and `df -i` show the disk"
_ADVICE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "mount it writable, or change export.base_dir; the kernel mounts a failing disk read-only: `dmesg`",
    errno.EIO: "the disk fails: back up what can be read, and replace it; `dmesg` tells more",
}


def check_configuration(loaded: LoadedConfig | ConfigError) -> Iterator[Finding]:
    """Report the faults and the warnings of the configuration file and the environment."""
    if isinstance(loaded, ConfigError):
        for problem in loaded.problems:
            yield failed(CONFIGURATION, problem, "correct it; the node does not start before")
        return
    for text in loaded.warnings:
        yield warning(CONFIGURATION, text, "the line says what to do")
    where = loaded.path or "no file, so every setting has its default"
    yield ok(CONFIGURATION, f"{where}; the node is {loaded.config.node.id}")


def check_node_id(config: Config) -> Iterator[Finding]:
    """Warn of an id that is a container's host name, which is another one after each re-creation."""
    if has_container_id(config.node):
        yield warning(
            NODE_ID,
            f"{config.node.id} looks like the host name of a container: a new one makes a new device",
            "name the node: `node: {id: porch}`, or PI_CAM_NODE__NODE__ID=porch",
        )


def check_clock(is_synced: IsClockSynced) -> Finding:
    """Report whether the kernel says that UTC is synchronised."""
    if is_synced():
        return ok(CLOCK, "synchronised")
    return warning(
        CLOCK,
        "not synchronised: names and times of pictures may be wrong, and age limits do not apply",
        "`timedatectl` tells more; `apt-get install systemd-timesyncd` or chrony keeps it right",
    )


def check_memory(config: Config, available_bytes: int) -> Finding:
    """Compare the memory budget, and the ring's part of it, with the memory that is free."""
    budget_bytes = config.node.memory_bytes or automatic_budget(available_bytes)
    ring_bytes = ring_budget_bytes(config, frame_bytes_of(config), budget_bytes)
    text = (
        f"{_mib(available_bytes)} free, budget {_mib(budget_bytes)}, of which {_mib(ring_bytes)} for the ring "
        f"and {_mib(video_budget_bytes(config, budget_bytes))} for packets of video"
    )
    if budget_bytes > available_bytes:
        return failed(MEMORY, text, "lower node.memory_bytes, or free memory: the board would swap")
    if ring_bytes < config.ring.max_bytes:
        return warning(
            MEMORY,
            f"{text}; ring.max_bytes asks for {_mib(config.ring.max_bytes)}",
            "it will hold fewer seconds; ring.downscale, or a smaller camera.width and height, make it last longer",
        )
    return ok(MEMORY, text)


def check_disk(config: Config) -> Finding:
    """Write an unnamed temporary file into the folder of pictures, or into the nearest parent that exists."""
    folder = config.export.base_dir
    existing = next(path for path in (folder, *folder.parents) if _exists(path))
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x")
            probe.flush()
        free_bytes = free_space(existing).free_bytes
    except OSError as error:
        return failed(
            DISK,
            f"{existing} cannot be written: {error.strerror or error}",
            _ADVICE.get(error.errno or 0, "give it to the user that runs the node, or change export.base_dir"),
        )
    where = str(folder) if existing == folder else f"{folder} will be made in {existing}"
    return judge_free_space(where, free_bytes, config.storage.min_free_bytes)


def judge_free_space(where: str, free_bytes: int, reserve_bytes: int) -> Finding:
    """Compare the free space with the reserve that must stay free."""
    text = f"{where}; {free_bytes // MIB} MiB free, {reserve_bytes // MIB} MiB of them reserved"
    if free_bytes < reserve_bytes:
        advice = "free some space, or lower storage.min_free_bytes: nothing can be saved once old pictures are gone"
        return failed(DISK, text, advice)
    if free_bytes < reserve_bytes + LITTLE_BYTES:
        return warning(DISK, text, "free some space: the oldest pictures will have to go soon")
    return ok(DISK, text)


def _exists(path: Path) -> bool:
    """Return whether a folder exists; ``False`` also where the permissions hide it."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // MIB} MiB"
