"""Access rights: what an account may do with which camera, decided here only; everything else is refused."""

from __future__ import annotations

from typing import Literal

from pi_cam_node.console.store.accounts import Account, Role

Permission = Literal["view", "act", "own"]
"""``view``: pictures, states and events. ``act``: take pictures, privacy, home and away. ``own``: everything else."""

_ALLOWED: dict[Role, frozenset[Permission]] = {
    "owner": frozenset({"view", "act", "own"}),
    "member": frozenset({"view", "act"}),
    "guest": frozenset({"view"}),
    "kiosk": frozenset({"view"}),
}


def may(account: Account, permission: Permission, camera: str | None = None) -> bool:
    """Tell whether an account may do something, with a camera where one is named."""
    if permission not in _ALLOWED.get(account.role, frozenset()):
        return False
    return camera is None or account.cameras is None or camera in account.cameras
