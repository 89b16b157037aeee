"""Checks messages on the node's own topics: whether its own come back, and whether another node writes there.

MQTT 3.1.1 reports no forbidden message, so a broker may drop the node's publications silently. The birth ends with
``online`` on a topic that the node subscribes to, so no message of its own is needed to find out.
"""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.core.inputs import BrokerRefused, IdConflictSeen, TopicDotsSeen
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.connection.in_flight import Waiting
from pi_cam_node.mqtt.connection.reports import LinkReports
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.id_conflict import IdConflict
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics

_LOST = "our own message does not come back"
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


class OwnMessages:
    """Checks messages on the node's own topics. Thread: the link's, but for `announced`.

    Args:
        topics: The node's topics.
        boot_id: Boot id of this run of the node; empty not to look for another node.
        diagnosis: Notes messages that the broker throws away.
        reports: Takes what was found.
    """

    def __init__(self, topics: Topics, boot_id: str, diagnosis: Diagnosis, reports: LinkReports) -> None:
        self._topics = topics
        self._diagnosis = diagnosis
        self._reports = reports
        self._online, self._discovery = EchoCheck(), EchoCheck()
        self._discovery_bytes = 0
        self._asks_for_dots = self._awaits_dots = False
        self._has_dots = True
        self._conflict = IdConflict(boot_id, topics.node_id)

    def announced(self, birth: Sequence[Message]) -> None:
        """Note that a birth is on its way. Thread: the node thread."""
        own = self._topics.own_discovery
        self._discovery_bytes = next((message.size_bytes for message in birth if message.topic == own), 0)
        self._online.sent()
        self._discovery.sent()

    def session_begins(self) -> None:
        """Wait for nothing before the birth."""
        self._online.received()
        self._discovery.received()
        self._asks_for_dots = True

    def search_ended(self) -> None:
        """Note that the discovery message goes out again, now that the packet limit is known."""
        self._discovery.sent()

    def on_message(self, incoming: Incoming, now_s: float) -> None:
        """Handle a message on any topic."""
        if incoming.retained:
            return
        if (kept := self._topics.dots_in(incoming.topic)) is not None:
            self._dots_seen(kept)
        elif incoming.topic == self._topics.availability:
            self._online.received()
        elif incoming.topic == self._topics.own_discovery:
            self._discovery.received()
        elif incoming.topic == self._topics.info:
            self._conflict.info_seen(incoming.payload, now_s)

    def _dots_seen(self, kept: bool) -> None:
        """Report, once in a session, that dots in topics arrive otherwise than before."""
        if self._awaits_dots and kept != self._has_dots:
            self._has_dots = kept
            self._reports.post(TopicDotsSeen(kept))
        self._awaits_dots = False

    def check(self, live: Session | None, now_s: float, *, acknowledged: bool) -> None:
        """Judge messages that are overdue to come back, and report another node.

        Args:
            live: The session, once its birth was sent.
            now_s: The time on the monotonic clock.
            acknowledged: The broker has taken everything.
        """
        if live is not None and acknowledged and self._asks_for_dots:
            self._asks_for_dots, self._awaits_dots = False, True
            live.publish(Waiting(Message(self._topics.dots_probe, b"", qos=0)))
        if live is not None and self._online.is_lost(now_s, acknowledged=acknowledged):
            self._reports.refused("publish or hear", self._topics.availability, _LOST)
        elif (
            live is not None
            and not self._diagnosis.suspect_bytes
            and self._discovery.is_lost(now_s, acknowledged=acknowledged)
        ):
            self._discovery_lost(live, now_s)
        if (conflict := self._conflict.due(now_s)) is not None:
            if conflict:
                self._reports.warn_once(conflict, conflict)
                self._reports.post(IdConflictSeen())
            self._reports.post(BrokerRefused(conflict))

    def _discovery_lost(self, live: Session, now_s: float) -> None:
        """Search for a limit at which a broker throws messages away, or else tell that the topic is forbidden."""
        if self._diagnosis.silently_dropped(self._discovery_bytes):
            live.search_limit(self._diagnosis.proven_bytes, self._diagnosis.suspect_bytes)
        elif self._diagnosis.limit_bytes(now_s) is None:
            self._reports.refused("publish or hear", self._topics.own_discovery, _LOST)
