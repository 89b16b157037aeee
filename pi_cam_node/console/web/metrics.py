"""Prometheus metrics of the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import web
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_cam_node import __version__
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.store.database import StoreUnavailable
from pi_cam_node.console.store.devices import waiting
from pi_cam_node.console.web.gate import gate_of
from pi_cam_node.console.web.routes import account_or_none, context_of, require, route
from pi_cam_node.web.http.metrics import answer, gauge, server_metrics

PREFIX = "pi_cam_node_console_"


class ConsoleCollector(Collector):
    """Collects the console's state as Prometheus metrics. Unknown values are left out, not reported as zero.

    Args:
        context: The console.
        own: Metrics of the web server.
        pushes_waiting: Number of pending pushes; ``None`` if the database cannot be read.
    """

    def __init__(self, context: ConsoleContext, own: Iterable[Metric], pushes_waiting: int | None) -> None:
        self._context = context
        self._own = own
        self._pushes_waiting = pushes_waiting

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        context = self._context
        who = {"id": context.loaded.config.console.id, "version": __version__}
        yield InfoMetricFamily(PREFIX.removesuffix("_"), "Who the console is.", value=who)
        yield gauge(f"{PREFIX}broker_up", "Whether the broker is connected.", context.dispatcher.broker.connected)
        yield gauge(f"{PREFIX}database_up", "Whether the database can be written.", not context.database.trouble)
        yield gauge(f"{PREFIX}live_viewers", "Browsers that show live pictures.", context.hub.viewers)
        yield CounterMetricFamily(
            f"{PREFIX}entries_dropped", "Rows not written since the disk did not follow.", value=context.journal.dropped
        )
        if self._pushes_waiting is not None:
            yield gauge(f"{PREFIX}pushes_waiting", "Pushes that are still to be sent.", self._pushes_waiting)
        yield from self._nodes()
        yield from self._own

    def _nodes(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(f"{PREFIX}node_up", "Whether the node is on the broker.", labels=["node"])
        camera = GaugeMetricFamily(f"{PREFIX}node_camera_up", "Whether the node's frames arrive.", labels=["node"])
        privacy = GaugeMetricFamily(f"{PREFIX}node_privacy", "Whether the node's privacy is on.", labels=["node"])
        for node in self._context.nodes:
            if node.online is not None:
                up.add_metric([node.id], node.online)
            if node.online and node.camera is not None:
                camera.add_metric([node.id], node.camera)
            if "privacy" in node.states:
                privacy.add_metric([node.id], node.is_private)
        yield from (up, camera, privacy)


@route("GET", "/metrics", "control", scraper=True)
async def metrics(request: web.Request) -> web.StreamResponse:
    """Return the metrics in Prometheus' text format, for owners and holders of the metrics token."""
    if account_or_none(request) is not None:
        require(request, "own")
    context = context_of(request)
    try:
        count: int | None = await context.database.read(waiting)
    except StoreUnavailable:
        count = None
    own = server_metrics(PREFIX, request, gate_of(request).lockout)
    return answer(ConsoleCollector(context, own, count), with_process=True)
