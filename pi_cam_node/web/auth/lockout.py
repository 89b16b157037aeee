"""Lockout of client addresses after a few wrong credentials, twice as long each time."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from pi_cam_node.base.clock import Clock
from pi_cam_node.web.auth.proxies import client_key

GUESSES = 5
WITHIN_S = 60.0
FIRST_WAIT_S = 60.0
WAIT_MAX_S = 3600.0
# An address without wrong credentials for so long after its lockout starts anew.
FORGIVEN_AFTER_S = 3600.0
ADDRESSES_MAX = 1024


@dataclass(slots=True)
class _Record:
    wrong_s: deque[float] = field(default_factory=lambda: deque(maxlen=GUESSES))
    locked_until_s: float = float("-inf")
    wait_s: float = FIRST_WAIT_S


class Lockout:
    """Recent wrong credentials by client address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self.wrong = 0
        self.lockouts = 0

    def wait_s(self, address: str) -> float:
        """Return seconds until the next credential of an address is checked; 0: now."""
        record = self._records.get(client_key(address))
        return max(0.0, record.locked_until_s - self._clock.monotonic()) if record else 0.0

    def count(self, address: str) -> bool:
        """Count a wrong credential; return whether the address is locked out from now on."""
        now_s, key = self._clock.monotonic(), client_key(address)
        record = self._records.pop(key, None)
        if record is None or (record.wait_s > FIRST_WAIT_S and now_s - record.locked_until_s > FORGIVEN_AFTER_S):
            record = _Record()
        self._records[key] = record
        while len(self._records) > ADDRESSES_MAX:
            self._records.popitem(last=False)
        self.wrong += 1
        record.wrong_s.append(now_s)
        if len(record.wrong_s) < GUESSES or now_s - record.wrong_s[0] > WITHIN_S:
            return False
        record.locked_until_s = now_s + record.wait_s
        record.wait_s = min(WAIT_MAX_S, 2 * record.wait_s)
        record.wrong_s.clear()
        self.lockouts += 1
        return True
