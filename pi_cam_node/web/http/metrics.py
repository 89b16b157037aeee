"""Prometheus metrics of the HTTP server, and the response with all metrics of the program."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.http.connection_limit import CONNECTIONS


def server_metrics(prefix: str, request: web.Request, lockout: Lockout) -> list[Metric]:
    """Return the metrics of the server that handles a request, with names that begin with ``prefix``."""
    connections = request.app[CONNECTIONS]
    counters = (
        ("http_connections_refused", "Connections refused for want of room.", connections.refused),
        ("http_connections_put_out", "Idle connections that made room for others.", connections.evicted),
        ("http_wrong_credentials", "Requests with a wrong token or password.", lockout.wrong),
        ("http_lockouts", "Times an address had to wait after wrong ones.", lockout.lockouts),
    )
    return [
        gauge(f"{prefix}http_connections", "Connections to the web server.", len(connections)),
        *(CounterMetricFamily(prefix + name, doc, value=value) for name, doc, value in counters),
    ]


def gauge(name: str, doc: str, value: float) -> Metric:
    """Return a gauge metric."""
    return GaugeMetricFamily(name, doc, value=float(value))


def answer(collector: Collector, *, with_process: bool = False) -> web.Response:
    """Return a collector's metrics in Prometheus' text format.

    Args:
        collector: Yields the metrics.
        with_process: Also memory, CPU time and open files of this process, under Prometheus' standard names.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    if with_process:
        ProcessCollector(registry=registry)
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
