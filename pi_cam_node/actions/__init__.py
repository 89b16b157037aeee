"""Every command, once. Importing this package fills the registry."""

from __future__ import annotations

from collections.abc import Mapping

from pi_cam_node.actions import configure, pictures, status
from pi_cam_node.commands import Command, declared

__all__ = ["configure", "pictures", "registry", "status"]


def registry() -> Mapping[str, Command]:
    """Return every command of the node by its verb, in the order of the contract."""
    return declared()
