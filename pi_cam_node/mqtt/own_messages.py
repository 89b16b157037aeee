"""Checks messages on the node's own topics: whether its own come back, and whether another node writes there.

MQTT 3.1.1 reports no forbidden message, so a broker may drop the node's publications silently, and mosquitto accepts
forbidden subscriptions with any version. The birth ends with ``online`` on a topic that the node subscribes to, so no
message of its own is needed to find out; where it takes settings, the message that looks for dots comes back.
"""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.core.inputs import BrokerRefused, IdConflictSeen, TopicDotsSeen
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.connection.forbidden_topics import FORBIDDEN, ForbiddenTopics
from pi_cam_node.mqtt.connection.in_flight import Outcome, Waiting
from pi_cam_node.mqtt.connection.reports import LinkReports
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.connection.session_listener import Action
from pi_cam_node.mqtt.id_conflict import IdConflict
from pi_cam_node.mqtt.messages.incoming import Incoming
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.topics import Topics

_LOST = "our own message does not come back"
_ECHO: Action = "publish or hear"
ECHO_TIMEOUT_S = 5.0
# Interval of the message that looks for dots while it does not come back: rights may be given to a node that runs.
RETRY_S = 60.0


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
        self._settings = EchoCheck()
        self._forbidden = ForbiddenTopics(reports)
        self._dots_due_s = NEVER_S
        self._awaits_dots = False
        self._has_dots = True
        self._conflict = IdConflict(boot_id, topics.node_id)

    def announced(self, birth: Sequence[Message]) -> None:
        """Note that a birth is on its way. Thread: the node thread."""
        own = self._topics.own_discovery
        self._discovery_bytes = next((message.size_bytes for message in birth if message.topic == own), 0)
        self._online.sent()
        if self._discovery_bytes:
            self._discovery.sent()

    def session_begins(self) -> None:
        """Wait for nothing before the birth."""
        for echo in (self._online, self._discovery, self._settings):
            echo.received()
        self._dots_due_s = float("-inf")
        self._forbidden.session_begins()

    def session_ended(self) -> None:
        """Report what is forbidden, also where the session was too short to find all of it."""
        self._forbidden.report()

    def on_answered(self, action: Action, topic: str, refusal: str) -> None:
        """Note whether the broker refuses a subscription or a publication; a client's own reply topic is its matter."""
        if topic == self._topics.dots_probe:
            topic = self._topics.set("#")
            if refusal:
                self._settings.received()
        if not refusal:
            self._forbidden.allow(action, topic)
        elif action == "subscribe to" or self._topics.is_own(topic):
            self._forbidden.forbid(action, topic, refusal)
        else:
            message = f"{FORBIDDEN} {action} {topic or 'a topic'} ({refusal}); see its ACL"
            self._reports.found(message, f"{action} {topic.partition('/')[0]}")

    def search_ended(self) -> None:
        """Note that the discovery message goes out again, now that the packet limit is known."""
        self._discovery.sent()

    def on_message(self, incoming: Incoming, now_s: float) -> None:
        """Handle a message on any topic."""
        if incoming.retained:
            return
        if (kept := self._topics.dots_in(incoming.topic)) is not None:
            self._dots_seen(kept)
            self._dots_due_s = NEVER_S
            self._returned(self._settings, self._topics.set("#"))
        elif incoming.topic == self._topics.availability:
            self._returned(self._online, incoming.topic)
        elif incoming.topic == self._topics.own_discovery:
            self._returned(self._discovery, incoming.topic)
        elif incoming.topic == self._topics.info:
            self._conflict.info_seen(incoming.payload, now_s)

    def _returned(self, echo: EchoCheck, topic: str) -> None:
        echo.received()
        self._forbidden.allow(_ECHO, topic)

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
        if live is not None:
            if acknowledged and now_s >= self._dots_due_s:
                self._look_for_dots(live, now_s)
            self._check_echoes(live, now_s, acknowledged=acknowledged)
        self._forbidden.check(now_s)
        if (conflict := self._conflict.due(now_s)) is not None:
            if conflict:
                self._reports.warn_once(conflict, conflict)
                self._reports.post(IdConflictSeen())
            self._reports.post(BrokerRefused(conflict))

    def _look_for_dots(self, live: Session, now_s: float) -> None:
        """Publish a message where the node takes settings: it shows whether they arrive, and with dots or slashes."""
        is_heard = self._topics.set("#") in live.subscriptions.granted
        self._dots_due_s, self._awaits_dots = now_s + RETRY_S if is_heard else NEVER_S, True
        message = Message(self._topics.dots_probe, b"")
        if self._diagnosis.holds(message.topic, message.size_bytes, now_s):
            return
        if live.publish(Waiting(message)) is Outcome.SENT:
            self._settings.sent()

    def _check_echoes(self, live: Session, now_s: float, *, acknowledged: bool) -> None:
        """Note what is overdue to come back; where the subscription is refused, that is known already."""

        def is_lost(echo: EchoCheck, topic: str) -> bool:
            return echo.is_lost(now_s, acknowledged=acknowledged) and topic in live.subscriptions.granted

        if is_lost(self._settings, topic := self._topics.set("#")):
            self._forbidden.forbid(_ECHO, topic, _LOST)
        if is_lost(self._online, topic := self._topics.availability):
            self._forbidden.forbid(_ECHO, topic, _LOST)
        elif not self._diagnosis.suspect_bytes and is_lost(self._discovery, self._topics.own_discovery):
            self._discovery_lost(live, now_s)

    def _discovery_lost(self, live: Session, now_s: float) -> None:
        """Search for a limit at which a broker throws messages away, or else tell that the topic is forbidden."""
        if self._diagnosis.silently_dropped(self._discovery_bytes):
            live.search_limit(self._diagnosis.proven_bytes, self._diagnosis.suspect_bytes)
        elif self._diagnosis.limit_bytes(now_s) is None:
            self._forbidden.forbid(_ECHO, self._topics.own_discovery, _LOST)
