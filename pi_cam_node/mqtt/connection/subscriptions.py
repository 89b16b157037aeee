"""Subscribes to the node's topic filters, within the limits of common brokers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pi_cam_node.base.clock import Clock
from pi_cam_node.mqtt.connection.diagnosis import SessionPlan
from pi_cam_node.mqtt.messages.topics import Topics

# AWS IoT disconnects clients that send more filters in one packet.
FILTERS_IN_A_PACKET = 8
# MQTT 5 reason code: wildcard subscriptions not supported.
NO_WILDCARDS = 162
# Longest wait for the next answer. An answer may be lost where the connection is not: if bits flip in its number.
ANSWER_TIMEOUT_S = 20.0


class Subscriptions:
    """The subscriptions of one session. Thread: the session's.

    Attributes:
        has_answer: Whether at least one subscription was answered.
        granted: Filters that the broker accepted.

    Args:
        client: A connected client.
        topics: The node's topics.
        plan: Whether to subscribe to one filter at a time, to identify the one that ends the session, and filters to
            omit.
        clock: Tells the time.
        five: Whether the protocol is MQTT 5.
    """

    def __init__(self, client: paho.Client, topics: Topics, plan: SessionPlan, clock: Clock, *, five: bool) -> None:
        self._client = client
        self._clock = clock
        self._topics = topics
        self._five = five
        self._one_at_a_time = plan.one_filter_at_a_time
        self._without = plan.without
        self._waiting: deque[list[tuple[str, bool]]] = deque()
        self._pending: dict[int, list[str]] = {}
        self._progress_s = float("-inf")
        self.has_answer = False
        self.granted: set[str] = set()

    @property
    def is_complete(self) -> bool:
        """Whether every subscription was answered."""
        return not self._pending and not self._waiting

    def is_stuck(self, now_s: float) -> bool:
        """Return whether the broker has answered none of the sent subscriptions within the timeout."""
        return bool(self._pending) and now_s - self._progress_s > ANSWER_TIMEOUT_S

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Filters without an answer."""
        return tuple(topic_filter for filters in self._pending.values() for topic_filter in filters)

    def start(self, *, wildcards: bool) -> None:
        """Subscribe to every topic filter of the node.

        Commands use *retain as published*, so that a retained command, which would run again at each connect, is
        refused at once.

        Args:
            wildcards: Whether the broker supports ``+`` and ``#``.
        """
        commands = self._topics.command_filters() if wildcards else self._topics.command_topics()
        wanted = [(f, True) for f in commands] + [(f, False) for f in self._topics.notice_filters()]
        wanted = [pair for pair in wanted if pair[0] not in self._without]
        size = 1 if self._one_at_a_time else FILTERS_IN_A_PACKET
        self._waiting = deque(wanted[start : start + size] for start in range(0, len(wanted), size))
        self._send()

    def _send(self) -> None:
        while self._waiting and not (self._one_at_a_time and self._pending):
            self._subscribe(self._waiting.popleft())

    def _subscribe(self, wanted: Sequence[tuple[str, bool]]) -> None:
        filters = [topic_filter for topic_filter, _ in wanted]
        if self._five:
            options = [(f, SubscribeOptions(qos=1, retainAsPublished=flag)) for f, flag in wanted]
            _, mid = self._client.subscribe(options)
        else:
            _, mid = self._client.subscribe([(f, 1) for f in filters])
        if mid is not None:
            self._pending[mid] = filters
            self._progress_s = self._clock.monotonic()

    def answered(self, mid: int, reasons: Sequence[ReasonCode]) -> Iterator[tuple[str, ReasonCode]]:
        """Process a SUBACK and continue; yield refused filters with the reason."""
        filters = self._pending.pop(mid, [])
        self.has_answer, self._progress_s = True, self._clock.monotonic()
        answers = list(zip(filters, reasons, strict=False))
        self.granted.update(topic_filter for topic_filter, reason in answers if not reason.is_failure)
        self._send()
        yield from ((topic_filter, reason) for topic_filter, reason in answers if reason.is_failure)
