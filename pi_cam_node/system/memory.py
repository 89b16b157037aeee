"""Memory available to this process: that of the machine, or of its control groups if less.

Containers and systemd limit processes by control groups, version 2 (one hierarchy) or 1 (one for memory). Any group
from the process's own up to the root may have a limit, so all are read. Source: the kernel's admin-guide/cgroup-v2.rst
and cgroup-v1/memory.rst, proc(5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pi_cam_node.base.frozen import frozen
from pi_cam_node.system import procfs

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
# Assumed if the kernel gives no figure: less than the smallest supported board has free.
_UNKNOWN_BYTES = 128 << 20


@frozen
class _Version:
    """The files of one version of control groups.

    Attributes:
        mount: Where its hierarchy is mounted, below the root of all control groups.
        limit: File of the limit in bytes, or ``max``.
        used: File of the memory in use, including page cache.
        cache: Field of ``memory.stat`` that the kernel can reclaim.
    """

    mount: str
    limit: str
    used: str
    cache: str


_V1 = _Version("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = _Version("", "memory.max", "memory.current", "inactive_file")


def available_bytes() -> int:
    """Return the available memory in bytes; reclaimable page cache counts as free."""
    return min([_free_of_machine(), *_free_of_groups()])


def _free_of_machine() -> int:
    try:
        return procfs.available_bytes()
    except (OSError, ValueError):  # no /proc
        return _UNKNOWN_BYTES


def _free_of_groups() -> Iterator[int]:
    for version, own in _own_groups():
        top = _CGROUPS / version.mount
        # In a container the path may be one of the host: missing groups are skipped, and the root is always read.
        inner = top / own.lstrip("/")
        for group in (inner, *inner.parents):
            free = _free_of(group, version)
            if free is not None:
                yield free
            if group == top:
                break


def _own_groups() -> Iterator[tuple[_Version, str]]:
    """Yield the control groups of the process; the roots of both hierarchies if unknown."""
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:
        lines = []
    found = [parts for line in lines if len(parts := line.split(":", 2)) == 3]
    yield _V2, next((path for number, _, path in found if number == "0"), "/")
    yield _V1, next((path for _, controllers, path in found if "memory" in controllers.split(",")), "/")


def _free_of(group: Path, version: _Version) -> int | None:
    """Return the free bytes of a group; ``None`` without a limit."""
    try:
        limit = int((group / version.limit).read_text())
        used = int((group / version.used).read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None
    cache = _stat(group).get(version.cache, 0)
    return max(0, limit - max(0, used - cache))


def _stat(group: Path) -> Mapping[str, int]:
    try:
        lines = (group / "memory.stat").read_text().splitlines()
        return {name: int(value) for name, value in map(str.split, lines)}
    except (OSError, ValueError):
        return {}
