"""Limits the messages that wait for the loop, by number and by bytes."""

from __future__ import annotations

import threading

# Beyond, the thread of the connection waits, and with it the broker.
MESSAGES_WAITING_MAX = 500
BYTES_WAITING_MAX = 16 << 20


class MessageLimit:
    """Counts the messages that the connection's thread has passed to the loop, and limits them. Thread: any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages = self._bytes = 0

    def acquire(self, size_bytes: int, timeout_s: float) -> bool:
        """Count a message once the limits allow it; return whether in time. A large one waits for all others."""

        def has_room() -> bool:
            fits = self._bytes + size_bytes <= BYTES_WAITING_MAX
            return self._messages < MESSAGES_WAITING_MAX and (fits or not self._messages)

        with self._changed:
            if not self._changed.wait_for(has_room, timeout_s):
                return False
            self._messages += 1
            self._bytes += size_bytes
        return True

    def release(self, size_bytes: int) -> None:
        """Stop counting a message, as the loop has taken it."""
        with self._changed:
            self._messages -= 1
            self._bytes -= size_bytes
            self._changed.notify()
