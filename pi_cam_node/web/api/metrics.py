"""The node's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_cam_node.core.telemetry import FIGURES, Figure
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.context import WebContext
from pi_cam_node.web.http.connection_limit import CONNECTIONS
from pi_cam_node.web.routes import context_of, route

PREFIX = "pi_cam_node_"


class NodeCollector(Collector):
    """Collects the node's state as Prometheus metrics. An unknown figure is left out, never a zero.

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
        yield from _metrics((figure for figure in FIGURES if figure.source == "telemetry"), state.telemetry)
        yield from _metrics((figure for figure in FIGURES if figure.source == "state"), state.states)
        yield from _metrics(OWN, self._own)


OWN = (
    Figure(key="connections", metric="http_connections", doc="Connections to the web server."),
    Figure(
        key="refused",
        metric="http_connections_refused",
        doc="Connections refused for want of room.",
        kind="counter",
    ),
    Figure(
        key="evicted",
        metric="http_connections_put_out",
        doc="Idle connections that made room for others.",
        kind="counter",
    ),
    Figure(key="wrong", metric="http_wrong_credentials", doc="Requests with a wrong token.", kind="counter"),
    Figure(
        key="lockouts",
        metric="http_lockouts",
        doc="Times an address had to wait after wrong tokens.",
        kind="counter",
    ),
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


def _metrics(figures: Iterable[Figure], values: Mapping[str, object]) -> Iterator[Metric]:
    for figure in figures:
        value = values.get(figure.key)
        if not figure.metric or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if figure.kind == "counter":
            yield CounterMetricFamily(PREFIX + figure.metric, figure.doc, value=value * figure.metric_scale)
        else:
            yield _gauge(figure.metric, figure.doc, value * figure.metric_scale)


def _gauge(name: str, doc: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, doc, value=float(value))
