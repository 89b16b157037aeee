"""Negotiates the MQTT version, the last will and the window of the next connection. No I/O.

Working options are kept while the node runs: a slow broker must not cost the features of MQTT 5, and one without them
must not cost a failed attempt at each reconnect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.disconnect import Cause, Disconnect, Version

# Window that common brokers accept (Receive Maximum of MQTT 5); reduced if the broker announces less.
WINDOW = 10
# After so many MQTT 5 sessions that end so soon without any acknowledgement, 3.1.1 is tried.
USELESS_SESSIONS = 2
SHORT_SESSION_S = 5.0


@frozen
class ConnectOptions:
    """Options of a connection.

    Attributes:
        version: Version of MQTT.
        will_retain: Whether the last will is retained.
        will_qos: Its quality of service.
        window: Greatest number of unacknowledged QoS 1 messages.
    """

    version: Version
    will_retain: bool = True
    will_qos: Literal[0, 1] = 1
    window: int = WINDOW


# Wills to try in turn: a broker without retained messages or QoS 1 refuses the will, over 3.1.1 by closing the
# connection.
_WILLS: tuple[tuple[bool, Literal[0, 1]], ...] = ((True, 1), (False, 1), (False, 0))


class Negotiation:
    """Starts with the preferred options and drops refused ones.

    A weaker will chosen because of a closed connection is verified by another attempt with the full will, since a proxy
    without its broker closes connections, too.

    Args:
        setting: ``mqtt.protocol``.
    """

    def __init__(self, setting: Literal["auto", "5", "3.1.1"]) -> None:
        self._may_change = setting == "auto"
        self._first: Version = "3.1.1" if setting == "3.1.1" else "5"
        self._is_version_proven = False
        self._useless = 0
        self._five_works = False
        self._guess = 0  # index into _WILLS
        self._verified = 0  # the confirmed guess
        self._verifying = 0  # the accepted guess, to be confirmed by a refusal of the full will
        self.options = ConnectOptions(self._first)

    @property
    def version(self) -> Version:
        """The version to connect with next."""
        return self.options.version

    def change_since(self, before: ConnectOptions) -> str:
        """Return the changes since these options as text."""
        now = self.options
        if now.version != before.version:
            return f"MQTT {now.version}"
        if now.will_retain != before.will_retain:
            return "without retained messages" if before.will_retain else "with retained messages"
        return f"a last will of QoS {now.will_qos}"

    def accepted(self, limits: BrokerLimits) -> bool:
        """Process an accepted connection; return whether to keep it, or reconnect at once.

        Args:
            limits: Limits that the broker announced.
        """
        self._is_version_proven = True
        if limits.receive_maximum < self.options.window:
            self.options = replace(self.options, window=limits.receive_maximum)
            return False
        if self._guess and self._guess != self._verified:
            self._verifying, self._guess = self._guess, 0
            self._use_will(0)
            return False
        self._verifying = 0
        return True

    def failed(self, cause: Cause) -> bool:
        """Choose options after a refused connection; return whether to retry without a wait."""
        at_once = False
        match cause:
            case "retain":
                at_once = self._weaken(replace(self.options, will_retain=False))
            case "qos":
                at_once = self._weaken(replace(self.options, will_qos=0))
            case "version":
                at_once = self._other_version()
            case "silence" | "hangup":
                at_once = self._went_silent(cause)
            case "network":
                # The broker is offline, and may return as a different one.
                self._guess = self._verified = 0
                self._use_will(0)
        return at_once

    def _went_silent(self, cause: Literal["silence", "hangup"]) -> bool:
        if self._verifying:
            self._guess = self._verified = self._verifying
            self._verifying = 0
            self._use_will(self._guess)
            return True
        # Even if this version worked before, as the broker may have been replaced.
        if cause == "hangup" and (self.version == "3.1.1" or not self._may_change) and not self._verified:
            self._next_will()
            return False
        return not self._is_version_proven and self._other_version()

    def ended(self, end: Disconnect) -> bool:
        """Process the end of an accepted connection; return whether to retry at once with other options."""
        if end.cause in ("retain", "qos"):
            return self.failed(end.cause)  # some brokers refuse only with the first such message
        if end.subscribed and (end.acknowledged or end.cause != "malformed"):
            self._useless = 0
            self._five_works = self._five_works or (self.version == "5" and end.acknowledged > 0)
        elif not self._five_works and (end.lasted_s or 0.0) < SHORT_SESSION_S and not end.gave_up:
            self._useless += 1
            if self._useless >= USELESS_SESSIONS:
                self._useless = 0
                return self._other_version()
        return False

    def _weaken(self, options: ConnectOptions) -> bool:
        is_new, self.options = options != self.options, options
        return is_new

    def _next_will(self) -> None:
        self._guess = (self._guess + 1) % len(_WILLS)
        self._use_will(self._guess)
        if not self._guess and not self._is_version_proven:
            self._other_version()

    def _use_will(self, number: int) -> None:
        retain, qos = _WILLS[number]
        self.options = replace(self.options, will_retain=retain, will_qos=qos)

    def _other_version(self) -> bool:
        """Change the version if allowed; return whether to retry at once."""
        if not self._may_change:
            return False
        was_five = self.version == "5"
        self.options = replace(self.options, version="3.1.1" if was_five else "5")
        self._is_version_proven = False
        # Back to 5 only after a wait, since both versions failed.
        return was_five
