"""The way to the broker: keeps a session up, and carries messages in both directions.

Callbacks only enqueue into the inbox; publishing never blocks. Whatever goes wrong ends the session, and
the next one is built from nothing after a wait.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable, Mapping

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.base.threads import MonitoredThread
from pi_cam_node.config import MqttConfig
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost, BrokerRefused
from pi_cam_node.mqtt.disconnect import Disconnect
from pi_cam_node.mqtt.echo_check import EchoCheck
from pi_cam_node.mqtt.incoming import Incoming, parse_message
from pi_cam_node.mqtt.message import Message
from pi_cam_node.mqtt.paho_client import client_id_of, machine_id
from pi_cam_node.mqtt.publish_queue import PublishQueue
from pi_cam_node.mqtt.reconnect import SLOW_S, Backoff, ProtocolChoice
from pi_cam_node.mqtt.reports import LinkReports
from pi_cam_node.mqtt.session import Session
from pi_cam_node.mqtt.topics import Topics

_log = logging.getLogger(__name__)

# What the loop needs to see that it shall end, and the broker to take a farewell.
ABANDON_S = 2.0
# A session beats once a second. Finding the broker may take this much longer: resolvers are patient.
SILENCE_S, FINDING_S = 8.0, 60.0
# The third time within ten minutes that the thread dies or hangs, the node ends.
REPAIRS = 2
FAREWELL_S = 1.0
# How soon what found no room is tried again.
PUMP_S = 0.1


class BrokerLink:
    """The broker, as the node sees it.

    Args:
        config: Where it is and who we are.
        topics: The node's topics.
        inbox: Takes what comes.
        clock: Tells the time.
        backoff: The waits between connections; tests give their own.

    Attributes:
        queue: What leaves, and what waits.
        due_s: When what waits for room is to be sent: soon, while something waits and the broker is there.
    """

    def __init__(
        self, config: MqttConfig, topics: Topics, inbox: Inbox, clock: Clock, backoff: Backoff | None = None
    ) -> None:
        self._config = config
        self._topics = topics
        self._inbox = inbox
        self._clock = clock
        self._client_id = client_id_of(config, topics, machine_id())
        self._backoff = backoff or Backoff(random.Random())
        self._protocol = ProtocolChoice(config.protocol)
        self._echo = EchoCheck()
        self._reports = LinkReports(inbox)
        self.queue = PublishQueue({topics.availability, topics.camera_availability}, clock, self._reports)
        self._session: Session | None = None
        self._live: Session | None = None
        self._announced: Session | None = None
        self._lost_because = ""
        self.due_s = NEVER_S
        self._sessions = self._callback_errors = 0
        self._closing = threading.Event()
        self.loop = MonitoredThread(
            "mqtt-link", self._run, clock, SILENCE_S, self._abandon_session, repairs=REPAIRS, replaceable=True
        )

    # ------------------------------------------------------------ for the node thread

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us."""
        return self._live is not None

    @property
    def sessions(self) -> int:
        """Connections that the broker accepted since the start."""
        return self._sessions

    @property
    def packet_limit_bytes(self) -> int | None:
        """The largest packet the broker takes; ``None`` where it did not say."""
        live = self._live
        return live.packet_limit_bytes if live is not None else None

    def figures(self) -> Mapping[str, object]:
        """Return what telemetry tells of the link."""
        live = self._live
        return {
            "connected": live is not None,
            "protocol": live.version if live is not None else None,
            "sessions": self._sessions,
            **self.queue.figures(),
            "callback_errors": self._callback_errors,
        }

    def is_backlogged(self) -> bool:
        """Send what waits; return whether so much of it is left that nothing should be added.

        So it is as well between two sessions, until the next has its birth: what is asked meanwhile would be
        answered to nobody.

        Thread: the node thread.
        """
        live = self._live
        if live is None or live is not self._announced:
            return self.queue.is_backlogged
        self.queue.pump(live)
        return self.queue.is_backlogged or live.is_busy

    def on_time(self, now_s: float) -> None:
        """Send what waits, as far as there is room. Thread: the node thread."""
        self.is_backlogged()
        self.due_s = now_s + PUMP_S if self._live is not None and self.queue.has_unsent else NEVER_S

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self.loop.start()

    def publish(self, message: Message) -> bool:
        """Send a message, or let it wait where it may; see `PublishQueue.publish`. Never blocks.

        Thread: the node thread.
        """
        live = self._live
        is_sent = self.queue.publish(live if live is self._announced else None, message)
        if not is_sent:
            self.due_s = min(self.due_s, self._clock.monotonic() + PUMP_S)
        return is_sent

    def announce(self, messages: Iterable[Message]) -> None:
        """Send the birth: these messages in this order, then what waited for the broker.

        Thread: the node thread.
        """
        live = self._live
        if live is None:
            return
        self.queue.announce(live, messages)
        self._announced = live
        self._echo.sent()
        self.on_time(self._clock.monotonic())

    def forget_pictures(self) -> None:
        """See to it that no picture leaves any more: not what waits, nor what is on its way already.

        What paho-mqtt or the kernel hold cannot be called back, so a session that carries pictures is broken off. The
        next one empties all topics of pictures with its birth.

        Thread: the node thread, after the curtain was closed.
        """
        self.queue.strip_pictures()
        live = self._live
        if live is not None and live.carries_pictures:
            _log.info("pictures are on their way to the broker: the connection is broken off")
            live.reset()

    def close(self, farewell: Message | None, deadline_s: float) -> None:
        """Say goodbye, disconnect and end the thread; return after the deadline at the latest, or two seconds later.

        Thread: the node thread.
        """
        self._closing.set()
        until_s = self._clock.monotonic() + deadline_s
        live, session = self._live, self._session
        if live is not None:
            live.leave(self.queue.privacy_filter.apply(farewell), min(FAREWELL_S, deadline_s))
        elif session is not None:
            session.abandon()
        if not self.loop.join(until_s - self._clock.monotonic()) and (session := self._session) is not None:
            session.abandon()
            self.loop.join(ABANDON_S)
        self._reports.log_losses(self.queue.dropped + self.queue.waiting)

    # ------------------------------------------------------------ the link's own thread

    def _abandon_session(self) -> None:
        """Give up the session of a thread that died or hangs. Thread: the supervisor."""
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
        """Hold one session from its beginning to its end; return how long to wait for the next."""
        version = self._protocol.version
        isolating = self.queue.is_isolating
        session = Session(
            self._config,
            self._topics,
            self._client_id,
            version,
            clock=self._clock,
            listener=self,
            one_at_a_time=isolating,
        )
        self._session = session
        try:
            ending = session.run()
        finally:
            if self._session is session:  # and no other thread's by now
                self._live = self._session = None
        self.queue.take_back(ending.unacknowledged)
        wait_s = 0.0 if self._closing.is_set() else self._after(ending)
        self._reports.flush()
        return wait_s

    def _after(self, ending: Disconnect) -> float:
        """Take note of how a session ended; return how long to wait for the next."""
        now_s = self._clock.monotonic()
        if ending.lasted_s is None and self._protocol.failed(ending.cause):
            _log.info("%s; trying MQTT %s", ending.reason, self._protocol.version)
            return 0.0
        if ending.reason != self._lost_because:
            self._lost_because = ending.reason
            self._reports.post(BrokerLost(ending.reason))
            _log.warning("no broker: %s; trying on", ending.reason)
        if ending.lasted_s is None:
            return self._backoff.after_failure(refused=ending.cause in ("credentials", "certificate"))
        if (topic := self.queue.suspect(ending)) is not None:
            _log.error("the broker ends the session after each message on %s: held back for a while", topic)
        had_clash = self._backoff.clash
        wait_s = self._backoff.after_session(ending.lasted_s, now_s, taken_over=ending.taken_over, noisy=ending.noisy)
        if self._backoff.clash and not had_clash:
            message = f"sessions end within seconds; does another client use the id {self._client_id!r}?"
            _log.error("%s", message)
            self._reports.post(BrokerRefused(message))
        return wait_s

    def on_accepted(self, session: Session) -> None:
        """See `session.Listener`."""
        self.loop.beat()
        self._protocol.accepted()
        self._sessions += 1
        self._lost_because = ""
        self.due_s = NEVER_S
        self._echo.received()
        self._live = self._session
        self._reports.post(BrokerConnected(session.version, self._sessions))
        _log.info("connected to %s:%d, MQTT %s", self._config.host, self._config.port, session.version)

    def on_message(self, incoming: Incoming) -> None:
        """See `session.Listener`; an error in here must not end the session."""
        try:
            if incoming.topic == self._topics.availability and not incoming.retained:
                self._echo.received()
            arrival = parse_message(incoming, self._topics, self._clock.monotonic())
            if arrival is not None and not self._closing.is_set():
                self._inbox.put(arrival)  # where it finds no room it is counted
        except Exception:
            self._callback_errors += 1
            _log.exception("a message could not be taken in")

    def on_refused(self, what: str, topic: str, reason: str) -> None:
        """See `session.Listener`; told once for the topics below one first part."""
        branch = topic.partition("/")[0]
        message = f"the broker does not let us {what} {topic or 'a topic'}: {reason}; see its ACL"
        if self._reports.warn_once(f"{what} {branch}", message):
            self._reports.post(BrokerRefused(message))

    def on_check(self) -> None:
        """See `session.Listener`."""
        self.loop.beat()
        live = self._live
        if live is not None and self._echo.is_lost(self._clock.monotonic(), acknowledged=live.is_idle):
            self.on_refused("publish or hear", self._topics.availability, "our own message does not come back")
        self._reports.flush()
        self._reports.log_losses(self.queue.dropped)
