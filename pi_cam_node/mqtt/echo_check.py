"""Detects a broker that silently drops the node's publications: MQTT 3.1.1 reports no forbidden message.

The birth ends with ``online`` on a topic that the node subscribes to, so no message of its own is needed.
"""

from __future__ import annotations

ECHO_TIMEOUT_S = 5.0


class EchoCheck:
    """Waits for the node's own ``online``. Thread: the session's, but for `sent`."""

    def __init__(self) -> None:
        self._is_pending = False
        self._since_s: float | None = None

    def sent(self) -> None:
        """Note that the birth messages were published. Thread: the node thread."""
        self._since_s = None
        self._is_pending = True

    def received(self) -> None:
        """Note that ``online`` came back, or is awaited no more."""
        self._is_pending = False

    def is_lost(self, now_s: float, *, acknowledged: bool) -> bool:
        """Return, once, whether ``online`` is overdue.

        Args:
            now_s: The time on the monotonic clock.
            acknowledged: Whether the broker has taken everything; a slow link gets the time that a birth needs.
        """
        if not self._is_pending:
            return False
        if self._since_s is None and acknowledged:
            self._since_s = now_s
        if self._since_s is None or now_s - self._since_s < ECHO_TIMEOUT_S:
            return False
        self._is_pending = False
        return True
