"""Connects the core's ports to their implementations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from pi_cam_node.base.clock import Clock, clock_is_set
from pi_cam_node.config.loader import LoadedConfig
from pi_cam_node.config.writer import write_back
from pi_cam_node.core.ports import Links, Ports
from pi_cam_node.runtime.parts import Parts
from pi_cam_node.runtime.startup import Start
from pi_cam_node.system.metrics import SystemMetrics
from pi_cam_node.web.context import media_path


def ports_of(parts: Parts, loaded: LoadedConfig, start: Start, clock: Clock, stop: Callable[[int], None]) -> Ports:
    """Return the core's ports.

    Args:
        parts: What implements the ports.
        loaded: Settings and path of the configuration file.
        start: Conditions of the start.
        clock: Tells the time.
        stop: Ends the node with an exit code.
    """
    system = SystemMetrics(parts.archive.free_bytes, clock, parts.child_pids)
    base = loaded.content if start.has_last_good else None
    return Ports(
        archive=parts.archive,
        submit=parts.worker.submit,
        vitals=lambda: _figures(system, parts),
        write_config=lambda config: write_back(loaded.path, config, base, os.environ),
        stop=stop,
        privacy_port=parts.privacy,
        images=parts.images,
        demand=parts.camera.demand,
        url_of=lambda picture_id: parts.web.signed(media_path(picture_id)),
        links=Links(
            thumbnail_url=lambda media_id: parts.web.signed(f"{media_path(media_id)}/thumbnail"),
            web_address=lambda: {"url": parts.web.address, "tls_sha256": parts.web.tls_sha256},
            packet_limit_bytes=lambda: parts.link.packet_limit_bytes,
        ),
        tickets=parts.tickets,
        events=parts.events,
        recorder=parts.films,
    )


def _figures(system: SystemMetrics, parts: Parts) -> Mapping[str, object]:
    """Return the parts' telemetry figures; the core adds its own. Thread: the node thread."""
    return {
        **system.read(),
        "frames_dropped": parts.inbox.frames_dropped + parts.camera.frames_skipped,
        "messages_refused": parts.inbox.messages_refused,
        "storage": parts.disk.code,
        "clock_set": clock_is_set(),
        **parts.films.packet_figures,
        "camera_restarts": parts.camera.restarts,
        "broker_sessions": parts.link.sessions,
        "mqtt": dict(parts.link.figures()),
    }
