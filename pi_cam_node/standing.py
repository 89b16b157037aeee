"""Faults that last: told when they begin, and told to be over when what they are about works again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pi_cam_node.errors import Code
from pi_cam_node.events import FaultReported

Subject = Literal["camera", "picture", "storage"]

# What else is told with these codes is over too when the subject is well again: a refused save after a full disk.
_CODES: Mapping[Subject, tuple[Code, ...]] = {
    "camera": ("camera_down", "no_frames"),
    "picture": ("camera_down",),
    "storage": ("no_space", "not_saved"),
}
_WELL = FaultReported("ok", "")


class Standing:
    """Which faults last, and which fault was told last. Pure; used by the node thread.

    Args:
        tell: Takes what is to be told.
    """

    def __init__(self, tell: Callable[[FaultReported], None]) -> None:
        self._tell = tell
        self._faults: dict[Subject, FaultReported] = {}
        self._last: Code = "ok"

    def told(self, fault: FaultReported) -> None:
        """Note that a fault, a lasting one or not, was told."""
        self._last = fault.code

    def note(self, subject: Subject, code: Code, message: str) -> None:
        """Take in how a subject is; ``ok`` ends its fault.

        The end is told only where the last fault told was about this subject, and names what else lasts.
        """
        if code != "ok":
            self._faults[subject] = FaultReported(code, message)
            self._tell(self._faults[subject])
        elif self._faults.pop(subject, None) is not None and self._last in _CODES[subject]:
            self._tell(next(iter(self._faults.values()), _WELL))
