"""Chooses options and time of the next connection from the results of previous ones."""

from __future__ import annotations

import logging
import random

from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inputs import BrokerLost, BrokerRefused
from pi_cam_node.mqtt.connection.backoff import Backoff
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.negotiation import ConnectOptions, Negotiation
from pi_cam_node.mqtt.connection.reports import LinkReports

_log = logging.getLogger(__name__)


class Reconnection:
    """Options and time of the next connection. Thread: the link's.

    Args:
        config: The broker.
        identity: Client id and topics of the node, for messages.
        diagnosis: Findings about the broker.
        reports: Receives findings.
        backoff: Back-off; ``None``: the default.
    """

    def __init__(
        self,
        config: MqttConfig,
        identity: tuple[str, str],
        diagnosis: Diagnosis,
        reports: LinkReports,
        backoff: Backoff | None,
    ) -> None:
        self._client_id, self._root = identity
        self._diagnosis = diagnosis
        self._reports = reports
        self._negotiation = Negotiation(config.protocol)
        self._backoff = backoff or Backoff(random.Random())
        self._lost_because = ""
        self._renegotiates = False

    @property
    def options(self) -> ConnectOptions:
        """Options of the next connection."""
        return self._negotiation.options

    def offered(self, limits: BrokerLimits) -> bool:
        """Process a broker's limits; return whether to keep the connection, or reconnect with other options."""
        self._renegotiates = not self._negotiation.accepted(limits)
        return not self._renegotiates

    def accepted(self) -> None:
        """Process an established session."""
        self._lost_because = ""

    def ended(self, end: Disconnect, now_s: float) -> float:
        """Process the end of an attempt or session; return the seconds to wait.

        Args:
            end: End of the attempt or the session.
            now_s: Time of the end, monotonic seconds.
        """
        if self._renegotiates:
            self._renegotiates = False
            return 0.0
        return self._after_failure(end) if end.lasted_s is None else self._after_session(end, now_s)

    def _after_failure(self, end: Disconnect) -> float:
        if end.cause == "network":
            self._diagnosis.unreachable()
        before = self._negotiation.options
        if self._negotiation.failed(end.cause):
            _log.info("%s; trying %s", end.reason, self._negotiation.change_since(before))
            return 0.0
        self._report_loss(end)
        return self._backoff.after_failure(refused=end.cause in ("credentials", "certificate", "client id"))

    def _after_session(self, end: Disconnect, now_s: float) -> float:
        verdict = self._diagnosis.session_ended(end, now_s)
        before = self._negotiation.options
        otherwise = self._negotiation.ended(end)
        self._report_loss(end)
        if otherwise and self._negotiation.version != before.version:
            _log.warning("the broker has problems with MQTT 5; trying MQTT %s", self._negotiation.version)
        elif otherwise:
            _log.info("%s; trying %s", end.reason, self._negotiation.change_since(before))
        self._reports.found(verdict.message)
        had_clash = self._backoff.clash
        searching = verdict.searching or otherwise
        wait_s = self._backoff.after_session(end, now_s, searching=searching, ambiguous=verdict.ambiguous)
        if self._backoff.clash and not had_clash:
            message = (
                "sessions end within seconds and the broker does not say why; does another client use the id "
                f"{self._client_id!r}, may this login not use {self._root}/#, or are retained messages not taken?"
            )
            _log.error("%s", message)
            self._reports.post(BrokerRefused(message))
        return wait_s

    def _report_loss(self, end: Disconnect) -> None:
        if end.reason != self._lost_because:
            self._lost_because = end.reason
            self._reports.post(BrokerLost(end.reason))
            _log.warning("no broker: %s; trying on", end.reason)
