"""MQTT topics of the node; they are built and parsed here only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

from pi_cam_node.base.frozen import frozen
from pi_cam_node.config import Config
from pi_cam_node.config.settings import catalogue
from pi_cam_node.core.commands.all import registry

VERB = re.compile(r"[A-Za-z0-9_]{1,32}")

# Limits of a reply topic chosen by a client.
REPLY_LEVELS, REPLY_BYTES = 16, 200

# Names of the state topics, in the order in which they are published after a connect.
STATE_KEYS = ("mode", "brightness", "lux", "motion", "recording", "privacy", "ring_seconds", "last_error")


@frozen
class ParsedCommand:
    """A parsed command topic.

    Attributes:
        verb: Empty where the payload is a whole command line.
        set_key: The setting whose new value the payload is; ``None`` for every other command.
    """

    verb: str
    set_key: str | None = None


class Notice(Enum):
    """Kind of message that the node receives beside commands."""

    HOME_ASSISTANT = auto()
    OWN_AVAILABILITY = auto()
    OWN_DISCOVERY = auto()
    OWN_INFO = auto()


def topics_of(config: Config) -> Topics:
    """Return the topics for the settings."""
    home = config.homeassistant
    return Topics(config.mqtt.base_topic, config.node.id, config.node.groups, home.discovery_prefix, home.birth_topic)


class Topics:
    """The topics of one node.

    Args:
        base: ``mqtt.base_topic``.
        node_id: ``node.id``.
        groups: ``node.groups``.
        discovery_prefix: ``homeassistant.discovery_prefix``.
        birth_topic: ``homeassistant.birth_topic``.

    Attributes:
        has_dots: Whether the broker preserves dots in topics; if it turns them into slashes, as RabbitMQ does, the
            settings' values are published with slashes, so that subscribers recognize the topics.
    """

    def __init__(self, base: str, node_id: str, groups: Sequence[str], discovery_prefix: str, birth_topic: str) -> None:
        self.base = base
        self.node_id = node_id
        self.root = f"{base}/{node_id}"
        self.birth_topic = birth_topic
        self.has_dots = True
        self._discovery_prefix = discovery_prefix
        self._several = (f"{base}/all/cmd/", *(f"{base}/group/{group}/cmd/" for group in groups))
        self._notices = {
            birth_topic: Notice.HOME_ASSISTANT,
            self.availability: Notice.OWN_AVAILABILITY,
            self.own_discovery: Notice.OWN_DISCOVERY,
            self.info: Notice.OWN_INFO,
        }

    # ------------------------------------------------------------ what the node publishes

    @property
    def availability(self) -> str:
        """``online`` or ``offline``: whether the node is connected; also the topic of the last will."""
        return f"{self.root}/availability"

    @property
    def camera_availability(self) -> str:
        """``online`` or ``offline``: whether frames arrive."""
        return f"{self.root}/camera/availability"

    @property
    def info(self) -> str:
        """Identity, version and features of the node."""
        return f"{self.root}/info"

    def state(self, key: str) -> str:
        """One scalar of the node's state; ``key`` is one of `STATE_KEYS`."""
        return f"{self.root}/state/{key}"

    def config(self, key: str) -> str:
        """The value in force of a live setting."""
        return f"{self.root}/config/{key if self.has_dots else key.replace('.', '/')}"

    @property
    def telemetry(self) -> str:
        """Telemetry of the node."""
        return f"{self.root}/telemetry"

    def event(self, kind: str) -> str:
        """Something that happened; ``+`` for all kinds."""
        return f"{self.root}/event/{kind}"

    @property
    def media_last(self) -> str:
        """The facts of the last saved picture."""
        return f"{self.root}/media/last"

    @property
    def media_image(self) -> str:
        """The last saved picture."""
        return f"{self.root}/media/last/image"

    @property
    def media_thumbnail(self) -> str:
        """A small version of the last saved picture, in base64."""
        return f"{self.root}/media/thumbnail"

    @property
    def media_event(self) -> str:
        """The facts of the last event that has a picture."""
        return f"{self.root}/media/event"

    @property
    def media_event_image(self) -> str:
        """The picture of the last event that has one."""
        return f"{self.root}/media/event/image"

    @property
    def shown_picture(self) -> str:
        """The last saved picture once, for the image entity; see `homeassistant.shown_pictures`."""
        return f"{self.root}/homeassistant/last_picture"

    @property
    def shown_event(self) -> str:
        """The picture of the last event once, for the image entity."""
        return f"{self.root}/homeassistant/last_event"

    def available(self, shown: str) -> str:
        """``online`` or ``offline``: whether there is a picture to be shown on such a topic."""
        return f"{shown}/availability"

    def hidden(self, shown: str) -> str:
        """Where the image entity of such a topic listens in privacy; nothing is ever sent there."""
        return f"{shown}/hidden"

    @property
    def frame(self) -> str:
        """The live picture."""
        return f"{self.root}/frame"

    @property
    def probe(self) -> str:
        """Topic of the search for the packet limit: the payload is blanks, of no meaning to others."""
        return f"{self.root}/probe"

    @property
    def dots_probe(self) -> str:
        """Topic of an empty message that comes back where the node takes settings: with its dot, or with a slash."""
        return self.set("probe.dots")

    def dots_in(self, topic: str) -> bool | None:
        """Return whether the message on `dots_probe` came back with its dot; ``None`` for any other topic."""
        if topic == self.dots_probe:
            return True
        return False if topic == self.set("probe/dots") else None

    @property
    def shortstream(self) -> str:
        """The frames that a ``shortstream`` sends."""
        return f"{self.root}/shortstream"

    def reply(self, verb: str) -> str:
        """Topic of replies to commands that name no other; ``reply/unknown`` where the verb is invalid."""
        return f"{self.root}/reply/{verb if VERB.fullmatch(verb) else 'unknown'}"

    def reply_to(self, request_id: str) -> str:
        """Response topic of one request; `may_reply_to` allows it."""
        return f"{self.root}/reply/{request_id}"

    def discovery(self, uid: str) -> str:
        """Home Assistant's discovery message of a device."""
        return f"{self._discovery_prefix}/device/{uid}/config"

    @property
    def own_discovery(self) -> str:
        """Home Assistant's discovery message of this node; its device is called ``pi_cam_node_<node id>``."""
        return self.discovery(f"pi_cam_node_{self.node_id}")

    def is_own(self, topic: str) -> bool:
        """Return whether a topic is one of the node's, not a reply topic of a client or a node's former one."""
        return _is_below(topic, self.root) or topic == self.own_discovery

    # ------------------------------------------------------------ what others publish

    def cmd(self, verb: str) -> str:
        """Topic of a command to this node."""
        return f"{self.root}/cmd/{verb}"

    @property
    def cmd_line(self) -> str:
        """Topic of a whole command line to this node."""
        return f"{self.root}/cmd"

    def set(self, key: str) -> str:
        """Topic of a new value for a setting."""
        return f"{self.root}/set/{key}"

    def command_filters(self) -> tuple[str, ...]:
        """Topic filters for commands; no two of them overlap."""
        return (self.cmd_line, self.cmd("+"), self.set("#"), *(f"{prefix}+" for prefix in self._several))

    def command_topics(self) -> tuple[str, ...]:
        """Topics for commands, for a broker that takes no wildcards."""
        verbs = tuple(registry())
        keys = [key for key, info in catalogue().items() if info.live]
        return (
            self.cmd_line,
            *map(self.cmd, verbs),
            *map(self.set, keys),
            *(f"{prefix}{verb}" for prefix in self._several for verb in verbs),
        )

    def is_command(self, topic: str) -> bool:
        """Return whether this node takes a command on a topic."""
        return isinstance(self.parse(topic), ParsedCommand)

    def notice_filters(self) -> tuple[str, ...]:
        """Topic filters beside those for commands."""
        return tuple(self._notices)

    def subscriptions(self) -> tuple[str, ...]:
        """Every topic filter to subscribe to."""
        return (*self.command_filters(), *self.notice_filters())

    def parse(self, topic: str) -> ParsedCommand | Notice | None:
        """Parse the topic of a received message; ``None`` if it is not one of the node.

        Independent of subscriptions, as some brokers deliver messages without one.
        """
        notice = self._notices.get(topic)
        if notice is not None:
            return notice
        if self.dots_in(topic) is not None:
            return None
        if topic == self.cmd_line:
            return ParsedCommand("")
        set_root = f"{self.root}/set"
        if topic == set_root or topic.startswith(f"{set_root}/"):
            return ParsedCommand("set", _key_in(topic[len(set_root) + 1 :]))
        for prefix in (self.cmd(""), *self._several):
            if topic.startswith(prefix) and "/" not in topic[len(prefix) :]:
                return ParsedCommand(topic[len(prefix) :])
        return None

    def may_reply_to(self, topic: str | None) -> bool:
        """Return whether a reply may go to the topic that its client chose.

        Not to a pattern, nor to what no topic needs and some broker hangs up on: more than `REPLY_LEVELS` levels or
        `REPLY_BYTES` bytes, control characters. Of the node's own topics only to those below ``reply/``, and never to
        Home Assistant's: a reply must neither command this or another node nor pass for its state or its discovery.
        """
        if not topic or topic.startswith("$") or is_pattern(topic) or not topic.isprintable():
            return False
        if len(topic.encode()) > REPLY_BYTES or topic.count("/") >= REPLY_LEVELS:
            return False
        if topic == self.birth_topic or _is_below(topic, self._discovery_prefix):
            return False
        return not _is_below(topic, self.base) or topic.startswith(f"{self.root}/reply/")


def is_pattern(topic_filter: str) -> bool:
    """Return whether a topic filter has a wildcard."""
    return "+" in topic_filter or "#" in topic_filter


def _is_below(topic: str, prefix: str) -> bool:
    return topic == prefix or topic.startswith(f"{prefix}/")


def _key_in(levels: str) -> str:
    """Return the key of a setting from topic levels, as some brokers turn its dots into slashes.

    A blank would end the key in a command line; no key has one.
    """
    return ".".join("_".join(levels.split()).split("/"))
