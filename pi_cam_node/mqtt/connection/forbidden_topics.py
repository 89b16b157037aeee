"""Topics that the broker does not let the node publish or subscribe to, reported together while that lasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pi_cam_node.core.inputs import TopicsForbidden
from pi_cam_node.mqtt.connection.reports import LinkReports
from pi_cam_node.mqtt.connection.session_listener import Action

# Begins what is said of forbidden topics, also for `doctor`, which looks for it.
FORBIDDEN = "the broker does not let the node"
# Refusals arrive one by one: they are reported when no more came for this time.
SETTLED_S = 1.0
# What an earlier session found is over when a session has not found it again; lost messages are noticed after five
# seconds.
FOUND_AGAIN_S = 10.0
# Topics with the same parent from which only their number is told, and names that are told.
SIBLINGS, NAMES = 3, 6
# Greatest number of topics, as clients choose the last level of those for replies.
TOPICS_KEPT = 256


class ForbiddenTopics:
    """Collects refusals over the sessions with a broker. Thread: the link's.

    Args:
        reports: Receives the report.
    """

    def __init__(self, reports: LinkReports) -> None:
        self._reports = reports
        self._found: dict[tuple[Action, str], str] = {}
        self._earlier: set[tuple[Action, str]] = set()
        self._began_s: float | None = None
        self._changed_s: float | None = None
        self._told = ""

    def session_begins(self) -> None:
        """Note that what was found so far is of earlier sessions."""
        self._earlier = set(self._found)
        self._began_s = None

    def forbid(self, action: Action, topic: str, reason: str) -> None:
        """Note a refusal; that a message does not come back is no news where the broker refused it.

        Args:
            action: What the node may not do.
            topic: The topic, or the filter.
            reason: The broker's reason.
        """
        key = action, topic
        if action == "publish or hear" and ("publish on", topic) in self._found:
            return
        self._earlier.discard(key)
        if self._found.get(key) != reason and (key in self._found or len(self._found) < TOPICS_KEPT):
            self._found[key] = reason
            self._changed_s = None

    def allow(self, action: Action, topic: str) -> None:
        """Note that a topic is not refused, or no longer."""
        if self._found.pop((action, topic), None) is not None:
            self._changed_s = None

    def check(self, now_s: float) -> None:
        """Report what has changed, when it has settled; called about once a second in a session."""
        self._began_s = now_s if self._began_s is None else self._began_s
        if self._earlier and now_s - self._began_s >= FOUND_AGAIN_S:
            for action, topic in self._earlier:
                self.allow(action, topic)
            self._earlier.clear()
        self._changed_s = now_s if self._changed_s is None else self._changed_s
        if now_s - self._changed_s >= SETTLED_S:
            self.report()

    def report(self) -> None:
        """Report what has changed, at once."""
        message = f"{FORBIDDEN} {', '.join(_grouped(self._found))}; see its ACL" if self._found else ""
        if message == self._told:
            return
        self._told = message
        if message:
            self._reports.warn_once(message, message)
        self._reports.post(TopicsForbidden(message))


def _grouped(found: dict[tuple[Action, str], str]) -> Iterator[str]:
    """Yield the topics of each action and reason, subscriptions first, as the node hears nothing without them."""
    groups: dict[tuple[Action, str], list[str]] = {}
    for (action, topic), reason in found.items():
        groups.setdefault((action, reason), []).append(topic)
    for action, reason in sorted(groups, reverse=True):
        yield f"{action} {_names(groups[action, reason])} ({reason})"


def _names(topics: Iterable[str]) -> str:
    """Return topics as text, many with the same parent by their number."""
    families: dict[str, list[str]] = {}
    for topic in topics:
        families.setdefault(topic.rpartition("/")[0], []).append(topic)
    names: list[str] = []
    for parent, family in families.items():
        names += family if len(family) < SIBLINGS else [f"{parent}/… ({len(family)} topics)"]
    more = [f"{len(names) - NAMES} more"] if len(names) > NAMES else []
    return ", ".join(names[:NAMES] + more)
