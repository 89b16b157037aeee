"""Registry of all commands. Importing this module fills it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pi_cam_node.core.commands import erase, history, pictures, privacy, settings, status, ticket, video
from pi_cam_node.core.commands.registry import Command, declared

# The order in which help and the documents tell of the commands, whichever module is imported first.
_DECLARING = (settings, erase, pictures, video, history, privacy, status, ticket)


@cache
def registry() -> Mapping[str, Command]:
    """Return every command of the node by its verb, in the order of the contract."""
    order = [module.__name__ for module in _DECLARING]
    return dict(sorted(declared().items(), key=lambda item: order.index(item[1].run.__module__)))
