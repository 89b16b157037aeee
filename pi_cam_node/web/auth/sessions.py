"""Login sessions in memory: limited in number and time, lost at a restart."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict

from pi_cam_node.base.clock import Clock

SESSIONS_MAX = 64
LIFETIME_S = 7 * 86_400.0


class Sessions:
    """Login sessions by the hash of their id, so that leaked memory contains no usable id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends_s: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends_s)

    def create(self) -> str:
        """Create a session and return its id; at the limit the oldest one ends."""
        name = secrets.token_urlsafe(32)
        self._ends_s[_key(name)] = self._clock.monotonic() + LIFETIME_S
        while len(self._ends_s) > SESSIONS_MAX:
            self._ends_s.popitem(last=False)
        return name

    def is_valid(self, name: str) -> bool:
        """Tell whether a session exists and has not expired."""
        end_s = self._ends_s.get(_key(name))
        if end_s is not None and self._clock.monotonic() >= end_s:
            self.end(name)
            return False
        return end_s is not None

    def end(self, name: str) -> None:
        """End a session if it exists."""
        self._ends_s.pop(_key(name), None)


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
