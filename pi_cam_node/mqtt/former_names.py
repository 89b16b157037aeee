"""Former names of the node and of its zones, whose retained topics are emptied after a rename or a removal.

A name consists of base topic, node id and Home Assistant's discovery prefix. The file lists names under which the node
was online; retained topics of former ones are emptied, unless another node uses the name now.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeGuard

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.errors import Busy
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.strict_json import json_object
from pi_cam_node.base.threads import Progress, Submit
from pi_cam_node.config import Config, MqttConfig
from pi_cam_node.core.events import Event, SettingChanged, TelemetryTaken
from pi_cam_node.core.inputs import BrokerConnected, BrokerLost
from pi_cam_node.imaging.polygon import parse_zone
from pi_cam_node.mqtt.blocking_client import NoBroker, connect
from pi_cam_node.mqtt.messages.topics import Topics, topics_of
from pi_cam_node.mqtt.retained_cleanup import clear_retained

_log = logging.getLogger(__name__)

# Greatest number of names; the oldest are dropped.
NAMES_MAX = 8
# Greatest number of zones, and of remembered removed zones.
ZONES_MAX = 16
_TOLD = 2
FILE_BYTES = 16 << 10
TEXT_MAX = 256


@frozen
class Name:
    """A name of the node.

    Attributes:
        base: ``mqtt.base_topic``.
        node_id: ``node.id``.
        discovery_prefix: ``homeassistant.discovery_prefix``.
        boot: Boot id of the last run under this name.
        is_cleared: Whether its topics were emptied, or belong to another node now.
        zones: Its motion zones, so that topics of removed ones can be emptied.
    """

    base: str
    node_id: str
    discovery_prefix: str
    boot: str
    is_cleared: bool = False
    zones: tuple[str, ...] = ()

    def is_same(self, other: Name) -> bool:
        """Return whether both have the same topics."""
        return (self.base, self.node_id, self.discovery_prefix) == (other.base, other.node_id, other.discovery_prefix)


class FormerNames:
    """Former names, stored in a small file. Does not raise: errors of the file are logged as warnings.

    Thread: any, but one at a time.

    Args:
        path: The file; ``None``: store nothing.
        config: The settings.
        boot_id: Boot id of this run.

    Attributes:
        gone_zones: Zones of earlier runs that do not exist any more.
    """

    def __init__(self, path: Path | None, config: Config, boot_id: str) -> None:
        self._path = path
        self._config = config
        self._now = Name(
            config.mqtt.base_topic, config.node.id, config.homeassistant.discovery_prefix, boot_id, is_cleared=True
        )
        known, zones = self._load(), zone_names(config)
        self._former = [name for name in known if not name.is_same(self._now)][-NAMES_MAX:]
        before = (zone for name in known if name.is_same(self._now) for zone in name.zones)
        self.gone_zones = tuple(zone for zone in before if zone not in zones)[-ZONES_MAX:]
        self._now = replace(self._now, zones=zones)

    @property
    def ids(self) -> list[str]:
        """Other node ids that the node had, oldest first."""
        ids = dict.fromkeys(name.node_id for name in self._former)
        return [node_id for node_id in ids if node_id != self._now.node_id]

    @property
    def has_former_topics(self) -> bool:
        """Whether topics of a former name are to be emptied."""
        return not all(name.is_cleared for name in self._former)

    def remember(self) -> None:
        """Store the present name, once the node is online."""
        self._save()

    def zones_changed(self, zones: Sequence[str]) -> None:
        """Store the present zones; former ones may still have a topic."""
        gone = [zone for zone in (*self.gone_zones, *self._now.zones) if zone not in zones]
        self.gone_zones = tuple(dict.fromkeys(gone))[-ZONES_MAX:]
        self._now = replace(self._now, zones=tuple(zones))
        self._save()

    def zones_emptied(self) -> None:
        """Store that the topics of removed zones are emptied."""
        if self.gone_zones:
            self.gone_zones = ()
            self._save()

    def clear(self) -> None:
        """Empty the topics of former names; failures are retried at the next start.

        Thread: the worker; takes some seconds.
        """
        for number, name in enumerate(self._former):
            if name.is_cleared:
                continue
            try:
                _log.info("%s", _clear(self._config.mqtt, topics_of(self._config), name))
            except NoBroker as error:
                _log.warning("the topics of the former name %s stay for now: %s", name.node_id, error)
                continue
            self._former[number] = replace(name, is_cleared=True)
        self._save()

    def _load(self) -> list[Name]:
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                rows = json.loads(file.read(FILE_BYTES))
            return [name for row in rows if (name := _name_in(row)) is not None]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, RecursionError) as error:
            _log.warning("%s says nothing of former names: %s", self._path, error)
            return []

    def _save(self) -> None:
        if self._path is None:
            return
        now = replace(self._now, is_cleared=False, zones=(*self.gone_zones, *self._now.zones))
        rows = [asdict(name) for name in (*self._former, now)]
        try:
            replace_atomically(self._path, json.dumps(rows).encode())
        except OSError as error:
            _log.warning("the node's name is not remembered: %s: %s", self._path, error.strerror)


class Rename:
    """Clears former names and zones once the node is online. Used by the node thread.

    Args:
        path: File of the names; ``None`` where there is no place for it.
        config: The settings at the start.
        boot_id: Id of this run.
        submit: Puts work on the worker thread.
    """

    def __init__(self, path: Path | None, config: Config, boot_id: str, submit: Submit) -> None:
        self._names = FormerNames(path, config, boot_id)
        self._submit = submit
        self._is_done = False
        self._told: int | None = None

    @property
    def former_ids(self) -> list[str]:
        """Node ids that the node had before."""
        return self._names.ids

    @property
    def gone_zones(self) -> tuple[str, ...]:
        """Zones that an earlier run had and this one has not; their topics are to be emptied."""
        return self._names.gone_zones

    def on_event(self, event: Event) -> None:
        """Store name and zones, and clear former ones, after the first connection."""
        match event:
            case BrokerConnected():
                self._told = 0
                if not self._is_done:
                    with suppress(Busy):  # then with the next connection
                        self._submit(self._clear)
                        self._is_done = True
            case BrokerLost():
                self._told = None
            case SettingChanged(key="motion.zones", value=value):
                zones = [parse_zone(text)[0] for text in value]
                with suppress(Busy):  # the next start knows the old ones
                    self._submit(lambda _progress: self._names.zones_changed(zones))
            case TelemetryTaken() if self._told is not None:
                # The first follows right after the birth, the second when that was acknowledged long ago.
                self._told += 1
                if self._told == _TOLD and self.gone_zones:
                    with suppress(Busy):
                        self._submit(lambda _progress: self._names.zones_emptied())

    def _clear(self, _progress: Progress) -> None:
        """Thread: the worker."""
        self._names.remember()
        if self._names.has_former_topics:
            self._names.clear()


def zone_names(config: Config) -> tuple[str, ...]:
    """Return the names of the zones in the settings."""
    return tuple(parse_zone(text)[0] for text in config.motion.zones)


def _name_in(row: object) -> Name | None:
    """Parse a name of the file; ``None`` if it is invalid."""
    if not isinstance(row, Mapping):
        return None
    base, node_id, prefix, boot = (row.get(key) for key in ("base", "node_id", "discovery_prefix", "boot"))
    if not (_is_text(base) and _is_text(node_id) and _is_text(prefix) and _is_text(boot)):
        return None
    zones = row.get("zones")
    known = [zone for zone in zones if _is_text(zone) and "/" not in zone] if isinstance(zones, list) else []
    return Name(base, node_id, prefix, boot, row.get("is_cleared") is True, tuple(known[-2 * ZONES_MAX :]))


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX and not set(value) & set("+#\0")


def _clear(config: MqttConfig, own: Topics, name: Name) -> str:
    """Empty the topics of a former name, unless another node uses it now; return the result as text.

    Raises:
        NoBroker: There is no connection, or it broke.
    """
    topics = Topics(name.base, name.node_id, (), name.discovery_prefix, own.birth_topic)
    with connect(config, own, "rename") as connection:
        if topics.root == own.root:
            connection.publish(topics.own_discovery, b"", retain=True)
            return f"{topics.own_discovery}, the discovery message of before, was emptied"
        held = connection.retained([topics.info, topics.availability])
    boot = _boot_in(held.get(topics.info, ""))
    is_online = held.get(topics.availability) == "online"
    if (boot and boot != name.boot) or (is_online and not boot):
        return f"the former name {topics.root} is another node's now: its topics stay"
    cleared = clear_retained(config, topics, keep=own, zones=name.zones)
    return f"the node was called {topics.root} before: {cleared.found} retained topics emptied, {cleared.left} left"


def _boot_in(info: str) -> str:
    boot = json_object(info).get("boot")
    return boot if isinstance(boot, str) else ""
