"""Infers limits that a broker does not announce from how its sessions end.

Each kind of limit has its own sign and its own remedy: a packet size is searched for, a rate is halved, topic filters
are subscribed to one by one, and what is left is a message that ends session after session (`PoisonMessageGuard`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pi_cam_node.base.frozen import frozen
from pi_cam_node.mqtt.connection.disconnect import Disconnect
from pi_cam_node.mqtt.connection.in_flight import Sent
from pi_cam_node.mqtt.connection.poison_messages import PoisonMessageGuard

# Findings hold for this long: the broker may be set up otherwise by then.
BELIEVED_S = 3600.0
FILTER_BELIEVED_S = 600.0
# Packets up to this size pass while the limit is searched for, proven or not.
FLOOR_BYTES = 1024
# A session that ends so soon after a message may have ended because of it.
SOON_S = 10.0
# So many messages within a second are a burst that a broker may object to.
BURST = 20
SLOWEST_PER_S = 2
# The rate after a burst that was cut off without a word, and for how long.
GUESSED_PER_S, GUESSED_S = 40, 120.0
FILTER_STRIKES = 2
# How many times longer than usual a broker may acknowledge nothing after sessions in which it was overloaded.
PATIENCE_MOST = 8


@frozen
class SessionPlan:
    """Restrictions of the next session, to find or respect a limit.

    Attributes:
        one_message_at_a_time: Let one message wait for its acknowledgement at a time.
        one_filter_at_a_time: Let one subscription wait for its answer at a time.
        wildcards: Subscribe with wildcards.
        without: Topic filters to leave out.
        patience: How many times longer than usual the broker may acknowledge nothing, until it has caught up once.
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
        searching: A limit was found or is being searched for: the next session comes soon.
        message: Finding, for people; empty where there is none.
        ambiguous: Perhaps so, but another client with the same id would leave the same traces.
    """

    searching: bool = False
    message: str = ""
    ambiguous: bool = False


class Diagnosis:
    """Findings about one broker. Thread: the link's, but for the properties and `holds`.

    Args:
        exempt: Topics that are never held back: without them there is no use in being connected.
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
        """Size of the largest packet that the broker took."""
        return self._proven_bytes

    @property
    def suspect_bytes(self) -> int:
        """Size of the packet that suggests a limit, from which the search starts; 0 where there is none."""
        return self._suspect_bytes

    def limit_bytes(self, now_s: float) -> int | None:
        """Return the largest packet that the broker takes, as far as it was found out; ``None`` for no known limit."""
        return self._limit[0] if self._limit is not None and now_s < self._limit[1] else None

    def rate_per_s(self, now_s: float) -> int | None:
        """Return the rate of messages per second that the broker takes, as far as it was found out."""
        return self._rate[0] if self._rate is not None and now_s < self._rate[1] else None

    def holds(self, topic: str, size_bytes: int, now_s: float) -> bool:
        """Return whether the broker ended sessions after such a message on this topic."""
        return self._poison.holds(topic, size_bytes, now_s)

    def is_unproven(self, size_bytes: int) -> bool:
        """Return whether a packet has to wait until the search for the limit is over."""
        return bool(self._suspect_bytes) and size_bytes > max(self._proven_bytes, FLOOR_BYTES)

    # ------------------------------------------------------------ what happens

    def session_ended(self, end: Disconnect, now_s: float) -> Verdict:
        """Judge the end of a session that the broker had accepted."""
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
        """Note that the broker cannot be reached: one that cut a burst off before went away by itself."""
        if self._withdraw_guessed_rate():
            self._burst_s = float("-inf")

    def silently_dropped(self, size_bytes: int) -> bool:
        """Note that a packet was acknowledged and not delivered; return whether its size calls for a search."""
        if size_bytes <= self._echoed_bytes or self._suspect_bytes:
            return False
        self._suspect_bytes, self._proven_bytes = size_bytes, FLOOR_BYTES
        return True

    def probed(self, passed_bytes: int, failed_bytes: int | None, now_s: float) -> str:
        """Take the result of a search that the session survived; return what was found, for people."""
        self._proven_bytes = self._echoed_bytes = passed_bytes
        self._suspect_bytes, self._failed_at = 0, None
        if failed_bytes is None:
            return ""
        return self._found_limit(passed_bytes, now_s, "throws away what is larger without a word")

    # ------------------------------------------------------------ one kind of limit each

    def _judge_patience(self, end: Disconnect) -> None:
        """Give an overloaded broker longer: each new session sends it everything retained once more.

        One that took the most of a session before it fell silent has gone away, and is left as soon as usual.
        """
        was_overloaded = end.gave_up and len(end.unacknowledged) > end.acknowledged
        self._patience = min(2 * self._patience, PATIENCE_MOST) if was_overloaded else 1

    def _suspect_of(self, end: Disconnect, now_s: float) -> int:
        """Return the size of the largest packet that the broker may not have taken.

        Replies are left out: who asks chooses their size.
        """
        recent = [*self._left(end), *end.unproven]
        return max((s.message.size_bytes for s in recent if _is_suspect(s, now_s)), default=0)

    def _left(self, end: Disconnect) -> list[Sent]:
        """Return the messages that left and were not acknowledged: while it isolates, paho-mqtt sends one at a time."""
        return end.unacknowledged[:1] if self._poison.is_isolating else end.unacknowledged

    def _judge_bare_cut(self, end: Disconnect, now_s: float) -> Verdict:
        """Judge a session in which too much was under way to tell what ended it: the next one isolates everything."""
        self._one_filter_at_a_time = self._one_filter_at_a_time or bool(end.unanswered)
        return replace(self._judge_messages(end, now_s), ambiguous=True)

    def _judge_probe(self, end: Disconnect, passed_bytes: int, failed_bytes: int, now_s: float) -> Verdict:
        self._proven_bytes = max(passed_bytes, FLOOR_BYTES)
        before, self._failed_at = self._failed_at, (passed_bytes, failed_bytes)
        if end.cause != "too large" and before is None:
            return Verdict(searching=True)
        if end.cause != "too large" and before != self._failed_at:
            self._suspect_bytes, self._failed_at = 0, None  # it ends at any size: the link is bad
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
        # The first filter is a plain topic of the node's: where not even that is answered, a bare cut means no filter.
        if not was_isolating or not (is_told or end.subscribed):
            return Verdict(searching=is_told, ambiguous=end.subscribed)
        culprit = end.unanswered[0]
        strikes = self._filter_strikes[culprit] = self._filter_strikes.get(culprit, 0) + 1
        if strikes < FILTER_STRIKES:
            return Verdict(searching=is_told, ambiguous=True)
        self._filter_strikes.clear()
        if self._wildcards and any(c in culprit for c in "+#") and not any(c in f for f in self._without for c in "+#"):
            return self._no_wildcards()
        self._without[culprit] = now_s + FILTER_BELIEVED_S
        return Verdict(
            True, f"the broker ends the session when {culprit} is subscribed to, so it is left out; see its rights"
        )

    def _judge_messages(self, end: Disconnect, now_s: float) -> Verdict:
        if end.cause == "malformed":
            return Verdict()
        # Of a QoS 0 topic only the first message of a session is suspicious: where others passed, it would have, too.
        first = [sent for sent in end.unproven if sent.number == 1]
        topic = self._poison.session_ended([*first, *self._left(end)], end.acknowledged, now_s)
        if topic is not None:
            self._rate, self._is_rate_guessed = None, False  # it was not the rate
            return Verdict(
                True,
                f"the broker ends the session after each message on {topic}: held back for a while; see its rights",
            )
        # A broker that ends the session after it has taken everything does not object to how fast it came.
        is_burst = _is_bare(end) and end.sent_last_s >= BURST and bool(end.unacknowledged)
        if is_burst:
            self._guess_rate(now_s)
        return Verdict(searching=self._poison.has_pattern, ambiguous=is_burst)

    def _guess_rate(self, now_s: float) -> None:
        """Slow down after a burst that was cut off without a word, for a while; for long if that happens again."""
        known = self.rate_per_s(now_s)
        again, self._burst_s = now_s - self._burst_s < BELIEVED_S, now_s
        rate = GUESSED_PER_S if known is None else max(SLOWEST_PER_S, known // 2)
        self._rate = (rate, now_s + (BELIEVED_S if again else GUESSED_S))
        self._is_rate_guessed = True

    def _withdraw_guessed_rate(self) -> bool:
        """Take back a rate that was only guessed; return whether it was."""
        was_guessed, self._is_rate_guessed = self._is_rate_guessed, False
        if was_guessed:
            self._rate = None
        return was_guessed


def _is_bare(end: Disconnect) -> bool:
    """Return whether the connection broke without a word of the broker."""
    return end.cause == "network"


def _is_much(end: Disconnect) -> bool:
    """Return whether a burst was under way, or subscriptions beside messages."""
    return end.sent_last_s >= BURST or bool(end.unanswered)


def _is_suspect(sent: Sent, now_s: float) -> bool:
    return now_s - sent.since_s <= SOON_S and not sent.message.queue_offline
