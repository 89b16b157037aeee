"""The node's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_cam_node.base.units import MIB
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.connection_limit import CONNECTIONS
from pi_cam_node.web.routes import context_of, route

PREFIX = "pi_cam_node_"


@dataclass(frozen=True, slots=True)
class Figure:
    """How one number of the telemetry or the states is called outside, in base units.

    Attributes:
        key: Its key here.
        name: Its name there; a counter gets ``_total``.
        doc: What it is.
        scale: Factor to the base unit.
        is_counter: It only grows, but for restarts.
    """

    key: str
    name: str
    doc: str
    scale: float = 1.0
    is_counter: bool = False


TELEMETRY = (
    Figure("rss_mib", "resident_memory_bytes", "Memory of the node and its camera process.", MIB),
    Figure("swap_pct", "swap_used_ratio", "Share of the swap space in use.", 0.01),
    Figure("cpu_pct", "cpu_cores", "Processor cores in use by the node and its camera process.", 0.01),
    Figure("load_1m", "load1", "Load average of the last minute."),
    Figure("memory_available_mib", "memory_available_bytes", "Memory that is free for programs.", MIB),
    Figure("temperature_c", "temperature_celsius", "Temperature of the processor."),
    Figure("disk_free_mib", "disk_free_bytes", "Free space on the disk of the pictures.", MIB),
    Figure("uptime_s", "uptime_seconds", "Time since the node started."),
    Figure("fps", "frames_per_second", "Frames that arrive from the camera."),
    Figure("latency_ms", "frame_latency_seconds", "From the end of an exposure to the end of the work on it.", 0.001),
    Figure("ring_frames", "ring_frames", "Frames in the ring."),
    Figure("ring_mib", "ring_bytes", "Memory of the ring.", MIB),
    Figure("commands_waiting", "commands_waiting", "Commands without an answer so far."),
    Figure("frames_dropped", "frames_dropped", "Frames that came while the node was busy.", is_counter=True),
    Figure("messages_refused", "messages_refused", "Commands that came while the inbox was full.", is_counter=True),
    Figure("camera_restarts", "camera_restarts", "Times the camera's process was started again.", is_counter=True),
    Figure("broker_sessions", "broker_sessions", "Connections to the broker.", is_counter=True),
)
STATES = (
    Figure("brightness", "brightness", "Mean luma of the picture, 0 to 255."),
    Figure("lux", "illuminance_lux", "Estimated illuminance of the scene."),
    Figure("ring_seconds", "ring_seconds", "Time between the oldest and the newest frame of the ring."),
)


class NodeCollector(Collector):
    """Turns what is into metrics. What nobody knows is left out, never a zero.

    Args:
        context: The node.
        own: Figures of the web server itself, by key of `OWN`.
    """

    def __init__(self, context: WebContext, own: Mapping[str, float]) -> None:
        self._context = context
        self._own = own

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        state = self._context.state
        yield InfoMetricFamily(f"{PREFIX}node", "Who the node is.", value=dict(self._context.info))
        yield _gauge("camera_up", "Whether frames arrive.", state.states.get("camera") == "online")
        yield _gauge("privacy", "Whether privacy is on.", state.states.get("privacy") == "ON")
        yield _gauge("broker_up", "Whether the broker is connected.", state.broker)
        mode = state.states.get("mode")
        if mode is not None:
            yield _gauge("night", "Whether the camera is in its night mode.", mode == "night")
        yield from _metrics(TELEMETRY, state.telemetry)
        yield from _metrics(STATES, state.states)
        yield from _metrics(OWN, self._own)


OWN = (
    Figure("connections", "http_connections", "Connections to the web server."),
    Figure("refused", "http_connections_refused", "Connections refused for want of room.", is_counter=True),
    Figure("evicted", "http_connections_put_out", "Idle connections that made room for others.", is_counter=True),
    Figure("wrong", "http_wrong_credentials", "Requests with a wrong token.", is_counter=True),
    Figure("lockouts", "http_lockouts", "Times an address had to wait after wrong tokens.", is_counter=True),
)


@route("GET", "/metrics", "view")
async def metrics(request: web.Request) -> web.StreamResponse:
    """Send every figure in Prometheus' text format."""
    lockout, connections = access_of(request).lockout, request.app[CONNECTIONS]
    own = {
        "connections": len(connections),
        "refused": connections.refused,
        "evicted": connections.evicted,
        "wrong": lockout.wrong,
        "lockouts": lockout.lockouts,
    }
    registry = CollectorRegistry()
    registry.register(NodeCollector(context_of(request), own))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _metrics(figures: tuple[Figure, ...], values: Mapping[str, object]) -> Iterator[Metric]:
    for figure in figures:
        value = values.get(figure.key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if figure.is_counter:
            yield CounterMetricFamily(PREFIX + figure.name, figure.doc, value=value * figure.scale)
        else:
            yield _gauge(figure.name, figure.doc, value * figure.scale)


def _gauge(name: str, doc: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, doc, value=float(value))
