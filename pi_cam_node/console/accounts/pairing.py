"""Pairing a wall tablet: it shows a code, the owner types it in, and the tablet is logged in for good."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from pi_cam_node.base.clock import Clock
from pi_cam_node.web.auth.proxies import client_key

# Codes are given without a login: few for each address, so that one client cannot use up all of them.
PENDING_MAX, PER_ADDRESS_MAX = 16, 4
LIFETIME_S = 600.0
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6


@dataclass(slots=True)
class Pending:
    """A tablet that waits for its code to be confirmed.

    Attributes:
        name: Value of the tablet's cookie.
        code: Code on the tablet's screen.
        address: The tablet's address, or that of its reverse proxy.
        until_s: Expiry, monotonic seconds.
        session: Name of the session for the tablet; empty before the owner has agreed.
    """

    name: str
    code: str
    address: str
    until_s: float
    session: str = ""


class Pairing:
    """Pending pairings of tablets. Thread: the loop's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pending: dict[str, Pending] = {}

    def begin(self, address: str) -> Pending:
        """Return a new code for an address; beyond the limits the oldest of the address, or of all, is dropped.

        Codes that the owner has typed in are kept: their tablets are about to fetch their sessions.
        """
        self._forget_old()
        waiting = [one for one in self._pending.values() if not one.session]
        its_own = [one for one in waiting if client_key(one.address) == client_key(address)]
        if len(its_own) >= PER_ADDRESS_MAX:
            self.end(its_own[0])
        elif len(waiting) >= PENDING_MAX:
            self.end(waiting[0])
        code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LENGTH))
        pending = Pending(secrets.token_urlsafe(24), code, address, self._clock.monotonic() + LIFETIME_S)
        self._pending[pending.name] = pending
        return pending

    def of(self, name: str) -> Pending | None:
        """Return the tablet with a cookie of this name."""
        self._forget_old()
        return self._pending.get(name)

    def with_code(self, code: str) -> Pending | None:
        """Return the tablet that shows a code."""
        self._forget_old()
        typed = "".join(code.split()).upper()
        return next((p for p in self._pending.values() if p.code == typed and not p.session), None)

    def end(self, pending: Pending) -> None:
        """Forget a tablet."""
        self._pending.pop(pending.name, None)

    def _forget_old(self) -> None:
        now_s = self._clock.monotonic()
        self._pending = {name: p for name, p in self._pending.items() if p.until_s > now_s}
