"""Registry of all commands. Importing this module fills it."""

from __future__ import annotations

from collections.abc import Mapping

from pi_cam_node.core.commands.registry import Command, declared

# isort: off
# The order in which they are imported is the order in which help and the documents tell of the commands.
from pi_cam_node.core.commands import settings
from pi_cam_node.core.commands import erase
from pi_cam_node.core.commands import pictures
from pi_cam_node.core.commands import video
from pi_cam_node.core.commands import history
from pi_cam_node.core.commands import privacy
from pi_cam_node.core.commands import status
from pi_cam_node.core.commands import ticket

# isort: on

# Imported for what they declare.
_DECLARING = (settings, erase, pictures, video, history, privacy, status, ticket)


def registry() -> Mapping[str, Command]:
    """Return every command of the node by its verb, in the order of the contract."""
    return declared()
