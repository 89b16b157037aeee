"""Reports of the link: to the node's inbox, waiting while it is full, and once to the log."""

from __future__ import annotations

import logging
from collections import deque

from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerRefused, Input

_log = logging.getLogger(__name__)

# Warnings on so many subjects are logged; a broker that refuses everything needs no longer list.
WARNINGS = 32
# News for the node that found the inbox full.
REPORTS_WAITING = 16


class LinkReports:
    """Sends the link's reports. Thread: the link's; `warn_once` the node thread's as well."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[Input] = deque(maxlen=REPORTS_WAITING)
        self._warned: set[str] = set()
        self._refused = self._given_up = 0

    def post(self, received: Input) -> None:
        """Put an input into the node's inbox, now or when there is room; beyond the bound the oldest is lost."""
        self._waiting.append(received)
        self.flush()

    def flush(self) -> None:
        """Hand over what waits, as far as there is room."""
        while self._waiting and self._inbox.put(self._waiting[0]):
            self._waiting.popleft()

    def log_losses(self, given_up: int) -> None:
        """Log what was lost since the last time, if anything was.

        Args:
            given_up: Replies, events and frames that the broker never got, since the start.
        """
        refused, given_up_before = self._refused, self._given_up
        self._refused, self._given_up = self._inbox.messages_refused, given_up
        if self._refused > refused:
            _log.warning("too much to do: %d messages were not taken in, and get no reply", self._refused - refused)
        if given_up > given_up_before:
            _log.warning(
                "the broker was away or slow: %d replies, events and frames are lost", given_up - given_up_before
            )

    def found(self, message: str) -> None:
        """Log and post, once, what was found out about the broker; nothing where the message is empty."""
        if message and self.warn_once(message, message):
            self.post(BrokerRefused(message))

    def refused(self, what: str, topic: str, reason: str) -> None:
        """Log and post that the broker forbids something; once for the topics below one first part."""
        branch = topic.partition("/")[0]
        message = f"the broker does not let us {what} {topic or 'a topic'}: {reason}; see its ACL"
        if self.warn_once(f"{what} {branch}", message):
            self.post(BrokerRefused(message))

    def warn_once(self, subject: str, message: str) -> bool:
        """Log a message unless one on its subject was logged before; return whether it was."""
        if subject in self._warned or len(self._warned) >= WARNINGS:
            return False
        self._warned.add(subject)
        _log.warning("%s", message)
        return True
