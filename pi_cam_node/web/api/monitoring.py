"""Monitoring: ``/metrics`` for Prometheus, and the health check ``/healthz``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_cam_node.core.telemetry import FIGURES, Figure
from pi_cam_node.web.auth.access import access_of
from pi_cam_node.web.context import State, WebContext
from pi_cam_node.web.http.metrics import answer, gauge, server_metrics
from pi_cam_node.web.http.routes import Described
from pi_cam_node.web.routes import context_of, route

PREFIX = "pi_cam_node_"


class NodeCollector(Collector):
    """Collects the node's state as Prometheus metrics. Unknown values are left out, not reported as zero.

    Args:
        context: The node.
        own: Metrics of the web server.
    """

    def __init__(self, context: WebContext, own: Iterable[Metric]) -> None:
        self._context = context
        self._own = own

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        state = self._context.state
        yield InfoMetricFamily(f"{PREFIX}node", "Who the node is.", value=dict(self._context.info))
        yield gauge(f"{PREFIX}camera_up", "Whether frames arrive.", state.states.get("camera") == "online")
        yield gauge(f"{PREFIX}privacy", "Whether privacy is on.", state.states.get("privacy") == "ON")
        yield gauge(f"{PREFIX}broker_up", "Whether the broker is connected.", state.broker)
        mode = state.states.get("mode")
        if mode is not None:
            yield gauge(f"{PREFIX}night", "Whether the camera is in its night mode.", mode == "night")
        yield from _metrics((figure for figure in FIGURES if figure.source == "telemetry"), state.telemetry)
        yield from _metrics((figure for figure in FIGURES if figure.source == "state"), state.states)
        yield from self._own


@route("GET", "/metrics", "view")
async def metrics(request: web.Request) -> web.StreamResponse:
    """Return the metrics in Prometheus' text format."""
    own = server_metrics(PREFIX, request, access_of(request).lockout)
    return answer(NodeCollector(context_of(request), own))


@route("GET", "/healthz", "public", Described(refusals={503: "Not well: `not ok`."}))
async def healthz(request: web.Request) -> web.StreamResponse:
    """Return ``ok`` while the broker is connected and the camera delivers frames or privacy is on, else ``not ok``."""
    well = is_well(context_of(request).state)
    return web.Response(status=200 if well else 503, text="ok" if well else "not ok")


def is_well(state: State) -> bool:
    """Tell whether the broker is connected, and frames arrive or privacy is on."""
    may_be_seen = state.states.get("privacy") != "ON"
    return state.broker and (not may_be_seen or state.states.get("camera") == "online")


def _metrics(figures: Iterable[Figure], values: Mapping[str, object]) -> Iterator[Metric]:
    for figure in figures:
        value = values.get(figure.key)
        if not figure.metric or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if figure.kind == "counter":
            yield CounterMetricFamily(PREFIX + figure.metric, figure.doc, value=value * figure.metric_scale)
        else:
            yield gauge(PREFIX + figure.metric, figure.doc, value * figure.metric_scale)
