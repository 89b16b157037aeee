"""Which version of MQTT to speak next. Pure."""

from __future__ import annotations

from typing import Literal

Version = Literal["5", "3.1.1"]
Cause = Literal["network", "credentials", "certificate", "version", "silence"]
"""Why a connection was not accepted.

``certificate``: we do not take the broker's. ``version``: the broker refused the version of MQTT. ``silence``: it took
the connection and hung up, or said nothing, before it accepted or refused.
"""


class ProtocolChoice:
    """Starts with MQTT 5 and falls back to 3.1.1 where the broker does not take it.

    What worked is kept while the node runs: a broker that is only slow must not lose us the features of
    MQTT 5, nor one that lacks them cost a futile attempt at each reconnect.

    Args:
        setting: ``mqtt.protocol``.
    """

    def __init__(self, setting: Literal["auto", "5", "3.1.1"]) -> None:
        self._may_change = setting == "auto"
        self._proven = False
        self.version: Version = "3.1.1" if setting == "3.1.1" else "5"

    def accepted(self) -> None:
        """Remember that the version in use works."""
        self._proven = True

    def failed(self, cause: Cause) -> bool:
        """Choose again after a connection that was not accepted; return whether to try at once, without a wait."""
        is_suspect = cause == "version" or (cause == "silence" and not self._proven)
        if not self._may_change or not is_suspect:
            return False
        was_five = self.version == "5"
        self.version = "3.1.1" if was_five else "5"
        self._proven = False
        # Back to 5 only after the wait: both failed, so the version was not the reason.
        return was_five
