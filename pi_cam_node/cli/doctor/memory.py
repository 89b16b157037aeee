"""Whether the ring gets the memory that the settings promise it."""

from __future__ import annotations

from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import MIB, Config
from pi_cam_node.core.rules.memory_budget import automatic_budget, frame_bytes_of, ring_budget_bytes

CHECK = "memory"


def check(config: Config, available_bytes: int) -> Finding:
    """Judge the budget against what is free now."""
    budget = config.node.memory_bytes or automatic_budget(available_bytes)
    room = ring_budget_bytes(config, frame_bytes_of(config), budget)
    text = f"{_mib(available_bytes)} free, budget {_mib(budget)}, of which {_mib(room)} for the ring"
    if budget > available_bytes:
        return failed(CHECK, text, "lower node.memory_bytes, or free memory: the board would swap")
    if room < config.ring.max_bytes:
        return warning(
            CHECK,
            f"{text}; ring.max_bytes asks for {_mib(config.ring.max_bytes)}",
            "it will hold fewer seconds; ring.downscale, or a smaller camera.width and height, make it last longer",
        )
    return ok(CHECK, text)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // MIB} MiB"
