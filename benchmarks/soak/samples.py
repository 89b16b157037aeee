"""Resource samples of node and camera: memory, descriptors, threads, CPU time."""

from __future__ import annotations

import psutil

from benchmarks.soak.records import Records
from benchmarks.soak.rig import Rig
from pi_cam_node.base.units import MIB

EVERY_S = 10.0


def of(process: psutil.Process) -> dict[str, float]:
    """Return the figures of one process.

    PSS counts shared memory once, so it is the actual cost; RSS does not change with other programs.
    """
    times, memory = process.cpu_times(), process.memory_full_info()
    return {
        "pid": process.pid,
        "rss_mib": round(memory.rss / MIB, 3),
        "pss_mib": round(memory.pss / MIB, 3),
        "fds": process.num_fds(),
        "threads": process.num_threads(),
        "cpu_s": round(times.user + times.system, 2),
    }


def take(rig: Rig, records: Records) -> bool:
    """Record the figures of node and camera; return whether the node runs."""
    try:
        node = of(rig.node)
    except psutil.NoSuchProcess:
        records.add("gone")
        return False
    camera: dict[str, float] | None = None
    try:
        if (process := rig.camera) is not None:
            camera = of(process)
    except psutil.NoSuchProcess:
        camera = None  # it ended meanwhile
    records.add("sample", node=node, camera=camera)
    return True
