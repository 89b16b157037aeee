"""A simulated node for Home Assistant: its discovery message, and values for all its topics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pi_cam_node.config import Config, settings
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import entities
from pi_cam_node.mqtt.homeassistant.discovery import discovery
from pi_cam_node.mqtt.messages.topics import topics_of

BOARD = {"model": "Raspberry Pi Zero 2 W Rev 1.0", "hw_version": "imx708", "serial_number": ""}

STATES = {"mode": "day", "brightness": "131.4", "lux": "182", "ring_seconds": "29.8", "last_error": "ok"}

FIGURES = {
    "rss_mib": 61.2,
    "swap_pct": 0.0,
    "cpu_pct": 23.4,
    "load_1m": 0.52,
    "temperature_c": 48.2,
    "throttled": "none",
    "disk_free_mib": 21344,
    "fps": 9.98,
    "frames_dropped": 3,
    "ring_frames": 298,
    "ring_mib": 14.2,
    "packets_mib": 3.1,
    "packets_limit_mib": 16.0,
    "camera_restarts": 0,
    "broker_sessions": 1,
    "uptime_s": 7200,
    "latency_ms": 7.3,
}

PICTURE = {
    "id": "20261120T194459123Z-3f2a91c0-000042-stack",
    "kind": "stack",
    "path": "/var/lib/pi_cam_node/captures/20261120T194459123Z-3f2a91c0-000042-stack.jpg",
    "bytes": 8192,
    "first_at": "2026-11-20T19:44:59.123Z",
    "last_at": "2026-11-20T19:44:59.423Z",
    # Larger than Home Assistant's recorder accepts as an attribute.
    "thumbnail": "A" * 20_000,
}


def config_of(node_id: str = "porch", **sections: object) -> Config:
    """Return the settings of a simulated node."""
    return Config.model_validate({"node": {"id": node_id}, **sections})


def message(node_id: str = "porch", **sections: object) -> dict[str, Any]:
    """Return the discovery message of a simulated node."""
    config = config_of(node_id, **sections)
    return discovery(entities(config, registry().values()), topics_of(config), config, "1.2.3", BOARD)


def retained(config: Config, picture: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of all retained messages of a healthy node, in birth order."""
    topics = topics_of(config)
    for key, info in settings.catalogue().items():
        if info.live:
            yield topics.config(key), settings.as_text(settings.value_of(config, key)).encode()
    for key, value in STATES.items():
        yield topics.state(key), value.encode()
    yield topics.media_image, picture
    # A real node sends these without retain, once Home Assistant is subscribed.
    yield topics.shown_picture, picture
    for shown in (topics.shown_picture, topics.shown_event):
        yield topics.available(shown), b"online"
    yield topics.media_last, json.dumps(PICTURE).encode()
    yield topics.frame, picture
    yield topics.camera_availability, b"online"
    yield topics.availability, b"online"
