"""Infers limits that a broker does not announce from the ends of its sessions.

Each kind of limit has its own signs and remedy: a packet size is searched for, a rate is halved, topic filters are
subscribed to one by one; else a single message ends each session (`PoisonMessageGuard`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.in_flight import Sent
from pi_cam_node.mqtt.connection.poison_messages import PoisonMessageGuard
from pi_cam_node.mqtt.messages.topics import is_pattern

# Findings expire after this time, as the broker's configuration may change.
BELIEVED_S = 3600.0
FILTER_BELIEVED_S = 600.0
# Packets up to this size are sent even while the limit is searched for.
FLOOR_BYTES = 1024
# Longest time between a message and the end of a session that it may have caused.
SOON_S = 10.0
# Messages within a second that count as a burst, which a rate limit may refuse.
BURST = 20
SLOWEST_PER_S = 2
# Rate limit assumed after a burst during which the connection broke without a reason, and its duration.
GUESSED_PER_S, GUESSED_S = 40, 120.0
FILTER_STRIKES = 2
# Greatest factor of the acknowledgement timeout for an overloaded broker.
PATIENCE_MOST = 8


@frozen
class SessionPlan:
    """Restrictions of the next session, to find or respect a limit.

    Attributes:
        one_message_at_a_time: At most one unacknowledged message.
        one_filter_at_a_time: At most one unanswered subscription.
        wildcards: Subscribe with wildcards.
        without: Topic filters to leave out.
        patience: Factor of the acknowledgement timeout until everything has been acknowledged once.
    """

    one_message_at_a_time: bool = False
    one_filter_at_a_time: bool = False
    wildcards: bool = True
    without: frozenset[str] = frozenset()
    patience: int = 1


@frozen
class Verdict:
    """Result of judging the end of a session.

    Attributes:
        searching: A limit was found or is being searched for: reconnect soon.
        message: Finding as text; empty for none.
        ambiguous: Another client with the same id would have the same effect.
    """

    searching: bool = False
    message: str = ""
    ambiguous: bool = False


class Diagnosis:
    """Findings about one broker. Thread: the link's, except the properties and `holds`.

    Args:
        exempt: Essential topics that are never held back.
    """

    def __init__(self, exempt: Collection[str]) -> None:
        self._poison = PoisonMessageGuard(exempt)
        self._proven_bytes = self._echoed_bytes = 0
        self._suspect_bytes = 0
        self._failed_at: tuple[int, int] | None = None
        self._limit: tuple[int, float] | None = None
        self._rate: tuple[int, float] | None = None
        self._burst_s = float("-inf")
        self._is_rate_guessed = False
        self._wildcards = True
        self._filter_strikes: dict[str, int] = {}
        self._without: dict[str, float] = {}
        self._one_filter_at_a_time = False
        self._patience = 1

    # ------------------------------------------------------------ what holds now

    def plan(self, now_s: float) -> SessionPlan:
        """Return the restrictions of the next session."""
        without = frozenset(f for f, until_s in self._without.items() if now_s < until_s)
        return SessionPlan(
            self._poison.is_isolating, self._one_filter_at_a_time, self._wildcards, without, self._patience
        )

    @property
    def proven_bytes(self) -> int:
        """Size of the largest packet that the broker accepted."""
        return self._proven_bytes

    @property
    def suspect_bytes(self) -> int:
        """Size of a packet that may exceed the limit, where the search starts; 0 for none."""
        return self._suspect_bytes

    def limit_bytes(self, now_s: float) -> int | None:
        """Return the inferred packet limit; ``None`` if unknown."""
        return self._limit[0] if self._limit is not None and now_s < self._limit[1] else None

    def rate_per_s(self, now_s: float) -> int | None:
        """Return the inferred limit of messages per second; ``None`` if unknown."""
        return self._rate[0] if self._rate is not None and now_s < self._rate[1] else None

    def holds(self, topic: str, size_bytes: int, now_s: float) -> bool:
        """Return whether a message of this size on this topic is held back, since such ones ended sessions."""
        return self._poison.holds(topic, size_bytes, now_s)

    def is_unproven(self, size_bytes: int) -> bool:
        """Return whether a packet has to wait until the search for the limit is over."""
        return bool(self._suspect_bytes) and size_bytes > max(self._proven_bytes, FLOOR_BYTES)

    # ------------------------------------------------------------ what happens

    def session_ended(self, end: Disconnect, now_s: float) -> Verdict:
        """Evaluate the end of an accepted session."""
        self._proven_bytes = max(self._proven_bytes, end.proven_bytes)
        self._judge_patience(end)
        suspect_bytes = self._suspect_of(end, now_s)
        if end.gave_up or end.cause in ("taken over", "retain", "qos"):
            verdict = Verdict()
        elif end.probe is not None:
            verdict = self._judge_probe(end, *end.probe, now_s)
        elif end.cause == "wildcards":
            verdict = self._no_wildcards()
        elif _is_bare(end) and end.unacknowledged and not self._poison.is_isolating and _is_much(end):
            verdict = self._judge_bare_cut(end, now_s)
        elif end.unanswered and end.cause != "malformed":
            verdict = self._judge_filters(end, now_s)
        elif end.cause != "rate" and suspect_bytes > max(self._proven_bytes, FLOOR_BYTES):
            self._suspect_bytes = suspect_bytes
            self._withdraw_guessed_rate()
            verdict = Verdict(searching=True)
        elif end.cause in ("rate", "quota"):
            verdict = self._slow_down(end, now_s)
        else:
            verdict = self._judge_messages(end, now_s)
        return verdict

    def unreachable(self) -> None:
        """Record that the broker is unreachable, so an earlier break during a burst was not a rate limit."""
        if self._withdraw_guessed_rate():
            self._burst_s = float("-inf")

    def silently_dropped(self, size_bytes: int) -> bool:
        """Record that a packet was acknowledged but not delivered; return whether to search for a size limit."""
        if size_bytes <= self._echoed_bytes or self._suspect_bytes:
            return False
        self._suspect_bytes, self._proven_bytes = size_bytes, FLOOR_BYTES
        return True

    def probed(self, passed_bytes: int, failed_bytes: int | None, now_s: float) -> str:
        """Process the result of a search within a session; return the finding as text."""
        self._proven_bytes = self._echoed_bytes = passed_bytes
        self._suspect_bytes, self._failed_at = 0, None
        if failed_bytes is None:
            return ""
        return self._found_limit(passed_bytes, now_s, "silently drops larger ones")

    # ------------------------------------------------------------ one kind of limit each

    def _judge_patience(self, end: Disconnect) -> None:
        """Extend the timeout for an overloaded broker, as each new session sends it all retained messages again.

        Not for a broker that accepted most of a session before it fell silent: that one is gone.
        """
        was_overloaded = end.gave_up and len(end.unacknowledged) > end.acknowledged
        self._patience = min(2 * self._patience, PATIENCE_MOST) if was_overloaded else 1

    def _suspect_of(self, end: Disconnect, now_s: float) -> int:
        """Return the size of the largest packet that the broker may have refused.

        Without replies, whose size is chosen by clients.
        """
        recent = [*self._left(end), *end.unproven]
        return max((s.message.size_bytes for s in recent if _is_suspect(s, now_s)), default=0)

    def _left(self, end: Disconnect) -> list[Sent]:
        """Return the sent and unacknowledged messages; with one message at a time only the oldest was sent."""
        return end.unacknowledged[:1] if self._poison.is_isolating else end.unacknowledged

    def _judge_bare_cut(self, end: Disconnect, now_s: float) -> Verdict:
        """Evaluate a session in which too much was in flight to find the cause; the next one isolates messages."""
        self._one_filter_at_a_time = self._one_filter_at_a_time or bool(end.unanswered)
        return replace(self._judge_messages(end, now_s), ambiguous=True)

    def _judge_probe(self, end: Disconnect, passed_bytes: int, failed_bytes: int, now_s: float) -> Verdict:
        self._proven_bytes = max(passed_bytes, FLOOR_BYTES)
        before, self._failed_at = self._failed_at, (passed_bytes, failed_bytes)
        if end.cause != "too large" and before is None:
            return Verdict(searching=True)
        if end.cause != "too large" and before != self._failed_at:
            self._suspect_bytes, self._failed_at = 0, None  # sessions end at any size: the link is bad
            return Verdict()
        self._suspect_bytes, self._failed_at = 0, None
        return Verdict(
            True, self._found_limit(max(passed_bytes, FLOOR_BYTES), now_s, "ends the session at larger ones")
        )

    def _found_limit(self, limit_bytes: int, now_s: float, how: str) -> str:
        self._limit = (limit_bytes, now_s + BELIEVED_S)
        return (
            f"the broker takes packets of {limit_bytes} bytes and {how}: pictures on MQTT are made smaller or left "
            "out, and Home Assistant may be offered less; raise the broker's limit (mosquitto: max_packet_size, "
            "message_size_limit)"
        )

    def _slow_down(self, end: Disconnect, now_s: float) -> Verdict:
        known = self.rate_per_s(now_s)
        rate = max(SLOWEST_PER_S, known // 2 if known is not None else end.sent_last_s // 3)
        self._rate, self._is_rate_guessed = (rate, now_s + BELIEVED_S), False
        return Verdict(True, f"{end.reason}: from now on the node sends at most {rate} messages a second")

    def _no_wildcards(self) -> Verdict:
        self._wildcards = False
        return Verdict(True, "the broker takes no wildcard subscriptions: commands are subscribed to one by one")

    def _judge_filters(self, end: Disconnect, now_s: float) -> Verdict:
        is_told, was_isolating = end.cause != "network", self._one_filter_at_a_time
        self._one_filter_at_a_time = True
        # The first filter is a plain topic: if even that is not answered, filters are not the cause.
        if not was_isolating or not (is_told or end.subscribed):
            return Verdict(searching=is_told, ambiguous=end.subscribed)
        culprit = end.unanswered[0]
        strikes = self._filter_strikes[culprit] = self._filter_strikes.get(culprit, 0) + 1
        if strikes < FILTER_STRIKES:
            return Verdict(searching=is_told, ambiguous=True)
        self._filter_strikes.clear()
        # A single filter may be forbidden: only where a second one with a wildcard fails, and none works, all do.
        if self._wildcards and is_pattern(culprit) and not end.has_pattern and any(map(is_pattern, self._without)):
            return self._no_wildcards()
        self._without[culprit] = now_s + FILTER_BELIEVED_S
        return Verdict(
            True, f"the broker ends the session when {culprit} is subscribed to, so it is left out; see its rights"
        )

    def _judge_messages(self, end: Disconnect, now_s: float) -> Verdict:
        if end.cause == "malformed":
            return Verdict()
        # Of a QoS 0 topic only the first message of a session is suspicious, as later ones had the same form.
        first = [sent for sent in end.unproven if sent.number == 1]
        topic = self._poison.session_ended([*first, *self._left(end)], end.acknowledged, now_s)
        if topic is not None:
            self._rate, self._is_rate_guessed = None, False  # the rate was not the cause
            return Verdict(
                True,
                f"the broker ends the session after each message on {topic}: held back for a while; see its rights",
            )
        # If everything was acknowledged before the end, the rate was not the cause.
        is_burst = _is_bare(end) and end.sent_last_s >= BURST and bool(end.unacknowledged)
        if is_burst:
            self._guess_rate(now_s)
        return Verdict(searching=self._poison.has_pattern, ambiguous=is_burst)

    def _guess_rate(self, now_s: float) -> None:
        """Limit the rate for a while after a break during a burst; for longer if it happens again."""
        known = self.rate_per_s(now_s)
        again, self._burst_s = now_s - self._burst_s < BELIEVED_S, now_s
        rate = GUESSED_PER_S if known is None else max(SLOWEST_PER_S, known // 2)
        self._rate = (rate, now_s + (BELIEVED_S if again else GUESSED_S))
        self._is_rate_guessed = True

    def _withdraw_guessed_rate(self) -> bool:
        """Remove a guessed rate limit; return whether there was one."""
        was_guessed, self._is_rate_guessed = self._is_rate_guessed, False
        if was_guessed:
            self._rate = None
        return was_guessed


def _is_bare(end: Disconnect) -> bool:
    """Return whether the connection broke without a reason from the broker."""
    return end.cause == "network"


def _is_much(end: Disconnect) -> bool:
    """Return whether a burst, or subscriptions besides messages, were in progress."""
    return end.sent_last_s >= BURST or bool(end.unanswered)


def _is_suspect(sent: Sent, now_s: float) -> bool:
    return now_s - sent.since_s <= SOON_S and not sent.message.queue_offline
