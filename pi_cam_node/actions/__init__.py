"""Every command, once. Importing this package fills the registry."""

from __future__ import annotations

from collections.abc import Mapping

from pi_cam_node.actions import configure, erase, pictures, privacy, status
from pi_cam_node.commands import Command, declared

__all__ = ["configure", "erase", "pictures", "privacy", "registry", "status"]


def registry() -> Mapping[str, Command]:
    """Return every command of the node by its verb, in the order of the contract."""
    return declared()
