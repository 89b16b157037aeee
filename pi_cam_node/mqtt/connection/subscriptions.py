"""Subscribes to the node's topic filters, in packets that every broker takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pi_cam_node.mqtt.connection.diagnosis import SessionPlan
from pi_cam_node.mqtt.messages.topics import Topics

# AWS IoT ends the session at a packet with more.
FILTERS_IN_A_PACKET = 8
# Reason code of MQTT 5 for a filter with + or # that the broker does not take.
NO_WILDCARDS = 162


class Subscriptions:
    """The subscriptions of one session. Thread: the session's.

    Args:
        client: Connected.
        topics: The node's topics.
        plan: Whether to wait for the answer to each filter before the next, so that it is known at which one a broker
            ends the session, and which to leave out.
        five: Whether the protocol is MQTT 5.
    """

    def __init__(self, client: paho.Client, topics: Topics, plan: SessionPlan, *, five: bool) -> None:
        self._client = client
        self._topics = topics
        self._five = five
        self._one_at_a_time = plan.one_filter_at_a_time
        self._without = plan.without
        self._waiting: deque[list[tuple[str, bool]]] = deque()
        self._pending: dict[int, list[str]] = {}
        self.has_answer = False

    @property
    def is_complete(self) -> bool:
        """Whether every subscription was answered."""
        return not self._pending and not self._waiting

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The filters that were sent and not answered."""
        return tuple(topic_filter for filters in self._pending.values() for topic_filter in filters)

    def start(self, *, wildcards: bool) -> None:
        """Subscribe to every topic filter of the node.

        Commands ask for the retain flag as published, also on a live message: a retained command would run again at
        each connect, so it is refused the first time.

        Args:
            wildcards: The broker takes filters with ``+`` and ``#``.
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

    def answered(self, mid: int, reasons: Sequence[ReasonCode]) -> Iterator[tuple[str, ReasonCode]]:
        """Note an answer and go on; yield the filters that were refused, with the reason."""
        filters = self._pending.pop(mid, [])
        self.has_answer = True
        refused = [pair for pair in zip(filters, reasons, strict=False) if pair[1].is_failure]
        self._send()
        yield from refused
