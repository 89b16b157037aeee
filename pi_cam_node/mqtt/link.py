"""Connection to the broker over all sessions: reconnects, and transfers messages in both directions.

Callbacks only enqueue into the inbox; publishing never blocks. Any error ends the session; after a wait a new one is
created from scratch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerConnected, BrokerLimitFound, BrokerLost
from pi_cam_node.mqtt.connection.backoff import SLOW_S, Backoff
from pi_cam_node.mqtt.connection.broker_limits import BrokerLimits
from pi_cam_node.mqtt.connection.diagnosis import Diagnosis
from pi_cam_node.mqtt.connection.disconnect import Version
from pi_cam_node.mqtt.connection.paho_client import client_id_of, machine_id
from pi_cam_node.mqtt.connection.reconnection import Reconnection
from pi_cam_node.mqtt.connection.reports import LinkReports
from pi_cam_node.mqtt.connection.session import Session
from pi_cam_node.mqtt.connection.session_listener import Action
from pi_cam_node.mqtt.messages.incoming import Incoming, parse_message
from pi_cam_node.mqtt.messages.message import Message
from pi_cam_node.mqtt.messages.privacy_filter import PrivacyFilter
from pi_cam_node.mqtt.messages.topics import Topics
from pi_cam_node.mqtt.outbox import Outbox
from pi_cam_node.mqtt.own_messages import OwnMessages
from pi_cam_node.mqtt.publish_queue import PublishQueue

_log = logging.getLogger(__name__)

# Time within which the loop detects a request to end.
ABANDON_S = 2.0
# Time for the broker to acknowledge the last message.
LAST_MESSAGE_S = 1.0
# A session beats once a second. Resolving the broker's name may take this much longer.
SILENCE_S, FINDING_S = 8.0, 60.0
# Restarts of the thread within ten minutes; at the next failure the node ends.
REPAIRS = 2
# Delay before a message that was refused for lack of room is retried.
PUMP_S = 0.1


class BrokerLink:
    """The node's connection to the broker, over all its sessions.

    Args:
        config: Address and login.
        topics: The node's topics.
        inbox: Receives inputs.
        clock: Tells the time.
        outbox: Replies and events that wait.
        privacy_filter: Decides what may be sent.
        backoff: Waits between connections; replaced in tests.
        boot_id: Boot id of this run, to detect another node's ``info``; empty: no check.

    Attributes:
        queue: Queue of outgoing messages.
        sessions: Number of accepted connections since the start.
        due_s: When pending messages are to be sent; never without any, or without a connection.
    """

    def __init__(
        self,
        config: MqttConfig,
        topics: Topics,
        inbox: Inbox,
        clock: Clock,
        *,
        outbox: Outbox,
        privacy_filter: PrivacyFilter,
        backoff: Backoff | None = None,
        boot_id: str = "",
    ) -> None:
        self._config, self._clock = config, clock
        self._topics, self._inbox = topics, inbox
        self._client_id = client_id_of(config, topics, machine_id())
        self._diagnosis = Diagnosis({topics.availability, topics.camera_availability})
        self._reports = LinkReports(inbox)
        self._reconnection = Reconnection(
            config, (self._client_id, topics.root), self._diagnosis, self._reports, backoff
        )
        self._own_messages = OwnMessages(topics, boot_id, self._diagnosis, self._reports)
        self.queue = PublishQueue(clock, self._diagnosis, self._reports, outbox, privacy_filter)
        self._session: Session | None = None
        self._live: Session | None = None
        self._announced: Session | None = None
        self.due_s = NEVER_S
        self.sessions = self._callback_errors = 0
        self._closing = threading.Event()
        self.loop = MonitoredThread(
            "mqtt-link", self._run, clock, SILENCE_S, self._abandon_session, repairs=REPAIRS, replaceable=True
        )

    # ------------------------------------------------------------ for the node thread

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._live is not None

    @property
    def packet_limit_bytes(self) -> int | None:
        """The broker's packet limit, announced or inferred; ``None`` if unknown."""
        live = self._live
        announced = live.limits.packet_bytes if live is not None else None
        found = self._diagnosis.limit_bytes(self._clock.monotonic())
        return min((limit for limit in (announced, found) if limit is not None), default=None)

    @property
    def retains(self) -> bool:
        """Whether the broker supports retained messages, as far as known."""
        live = self._live
        return live is None or live.limits.retain

    def figures(self) -> Mapping[str, object]:
        """Return the telemetry of the link."""
        live = self._live
        return {
            "connected": live is not None,
            "protocol": live.version if live is not None else None,
            "sessions": self.sessions,
            **self.queue.figures(),
            "callback_errors": self._callback_errors,
        }

    def is_backlogged(self) -> bool:
        """Send pending messages; return whether too many are left to add more.

        Also true between sessions, until the birth messages are sent, as replies would not reach their clients.

        Thread: the node thread.
        """
        live = self._live
        if live is None or live is not self._announced:
            return self.queue.is_backlogged
        self.queue.pump(live)
        return self.queue.is_backlogged or live.in_flight.is_busy

    def on_time(self, now_s: float) -> None:
        """Send pending messages, as far as there is room. Thread: the node thread."""
        self.is_backlogged()
        live, suspect_bytes = self._live, self._diagnosis.suspect_bytes
        self.due_s = now_s + PUMP_S if live and (self.queue.has_unsent or suspect_bytes) else NEVER_S
        # Only with nothing else in flight, so that the end of a session proves a size limit.
        if suspect_bytes and live and self.queue.is_announced and live.in_flight.is_empty:
            live.search_limit(self._diagnosis.proven_bytes, suspect_bytes)

    def start(self) -> None:
        """Start the thread that connects; returns at once."""
        self.loop.start()

    def publish(self, message: Message) -> bool:
        """Send or queue a message; see `PublishQueue.publish`. Never blocks.

        Thread: the node thread.
        """
        live = self._live
        is_sent = self.queue.publish(live if live is self._announced else None, message)
        if not is_sent:
            self.due_s = min(self.due_s, self._clock.monotonic() + PUMP_S)
        return is_sent

    def announce(self, messages: Iterable[Message]) -> None:
        """Send the birth messages in order, then pending messages.

        Thread: the node thread.
        """
        if (live := self._live) is None:
            return
        self.queue.announce(live, birth := list(messages))
        self._announced = live
        self._own_messages.announced(birth)
        self.on_time(self._clock.monotonic())

    def forget_pictures(self) -> None:
        """Drop all pictures, pending or in flight.

        Data held by paho-mqtt or the kernel cannot be recalled, so a session with pictures in flight is aborted. The
        next one empties all picture topics with its birth messages.

        Thread: the node thread, after privacy was switched on.
        """
        self.queue.strip_pictures()
        live = self._live
        if live is not None and live.carries_pictures:
            _log.info("pictures are on their way to the broker: the connection is broken off")
            live.reset()

    def close(self, last_message: Message | None, deadline_s: float) -> None:
        """Publish a last message, disconnect and end the thread; return two seconds after the deadline at the latest.

        Thread: the node thread.
        """
        self._closing.set()
        until_s = self._clock.monotonic() + deadline_s
        live, session = self._live, self._session
        if live is not None:
            live.disconnect(self.queue.privacy_filter.apply(last_message), min(LAST_MESSAGE_S, deadline_s))
        elif session is not None:
            session.abandon()
        if not self.loop.join(until_s - self._clock.monotonic()) and (session := self._session) is not None:
            session.abandon()
            self.loop.join(ABANDON_S)
        self._reports.log_losses(self.queue.dropped + self.queue.volatile)

    # ------------------------------------------------------------ the link's own thread

    def _abandon_session(self) -> None:
        """Abandon the session of a failed or hung thread. Thread: the watchdog's."""
        session, self._session, self._live = self._session, None, None
        if session is not None:
            self.queue.take_back(session.abandon())
        self._reports.post(BrokerLost("the connection's thread stood still"))

    def _run(self) -> None:
        while not self._closing.is_set() and self.loop.is_mine:
            self.loop.beat(FINDING_S)
            try:
                wait_s = self._connect_once()
            except Exception:
                _log.exception("the link failed; it goes on")
                wait_s = SLOW_S
            self.loop.beat(wait_s)
            self._closing.wait(wait_s)

    def _connect_once(self) -> float:
        """Run one session until it ends; return the seconds until the next."""
        session = Session(
            self._config,
            self._topics,
            self._client_id,
            self._reconnection.options,
            self._diagnosis.plan(self._clock.monotonic()),
            clock=self._clock,
            listener=self,
        )
        self._session = session
        try:
            end = session.run()
        finally:
            if self._session is session:  # unless replaced by another thread's
                self._live = self._session = None
        wait_s = 0.0 if self._closing.is_set() else self._reconnection.ended(end, self._clock.monotonic())
        self.queue.session_ended(end)
        self._own_messages.session_ended()
        self._reports.flush()
        return wait_s

    def on_offer(self, limits: BrokerLimits) -> bool:
        """See `SessionListener`."""
        self._own_messages.session_begins()
        return self._reconnection.offered(limits)

    def on_accepted(self, version: Version, limits: BrokerLimits) -> None:
        """See `SessionListener`."""
        self.loop.beat()
        self.sessions += 1
        self._reconnection.accepted()
        self._live = self._session
        self._reports.post(BrokerConnected(version, self.sessions))
        _log.info("connected to %s:%d, MQTT %s", self._config.host, self._config.port, version)
        for sentence in limits.consequences():
            self._reports.warn_once(sentence, sentence)

    def on_probed(self, passed_bytes: int, failed_bytes: int | None) -> None:
        """See `SessionListener`."""
        self._reports.found(self._diagnosis.probed(passed_bytes, failed_bytes, self._clock.monotonic()))
        self._reports.post(BrokerLimitFound())
        self._own_messages.search_ended()

    def on_message(self, incoming: Incoming) -> None:
        """See `SessionListener`; an error in here must not end the session."""
        try:
            self._own_messages.on_message(incoming, self._clock.monotonic())
            arrival = parse_message(incoming, self._topics, self._clock.monotonic())
            if arrival is not None and not self._closing.is_set():
                self._inbox.put(arrival)  # counted if the inbox is full
        except Exception:
            self._callback_errors += 1
            _log.exception("a message could not be taken in")

    def on_answered(self, action: Action, topic: str, refusal: str) -> None:
        """See `SessionListener`."""
        self._own_messages.on_answered(action, topic, refusal)

    def on_check(self) -> None:
        """See `SessionListener`."""
        self.loop.beat()
        live = self._live if self._live is self._announced else None
        acknowledged = live is not None and self.queue.settle(live)
        self._own_messages.check(live, self._clock.monotonic(), acknowledged=acknowledged)
        self._reports.flush()
        self._reports.log_losses(self.queue.dropped)
