"""Check of the node's HTTP server: its certificate, and whether its port is free, or answers as a node does."""

from __future__ import annotations

import errno
import ssl
import urllib.error
import urllib.request

from pi_cam_node.cli.doctor.finding import Finding, failed, ok
from pi_cam_node.config import Config
from pi_cam_node.web.http import sockets

HTTP = "HTTP"
# A small board that has just started its node answers late.
TIMEOUT_S = 15.0
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be known, not to be bound
_HEALTH = (b"ok", b"not ok")


def check_http(config: Config, *, is_running: bool | None) -> Finding:
    """Report whether the page and the live view are served here, or can be.

    Args:
        config: The settings.
        is_running: Whether the node is online; ``None``: the broker does not tell.
    """
    if not config.mjpeg_server.enable:
        return ok(HTTP, "mjpeg_server.enable is off")
    tls, host, port = config.http.tls, config.http.host, config.mjpeg_server.port
    try:
        sockets.tls_context(tls.cert, tls.key) if tls.enable else None
    except (OSError, ValueError) as error:
        return failed(HTTP, f"http.tls: {tls.cert} and {tls.key}: {error}", "name a certificate in PEM, and its key")
    try:
        for sock in sockets.bound(host, port):
            sock.close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            why = f"{host} port {port} cannot be used: {error.strerror or error}"
            return failed(HTTP, why, "http.host is an address of this machine, mjpeg_server.port one above 1023")
        return _judge_taken(_address(config), is_running=is_running)
    return ok(HTTP, f"port {port} of {host} is free")


def _judge_taken(address: str, *, is_running: bool | None) -> Finding:
    """Judge a port that is taken: by this node, which is what it is for, or by another program."""
    if not _answers_as_node(address):
        taker = "another program"
    elif is_running is False:
        taker = "another node"
    else:
        return ok(HTTP, f"the node answers at {address}")
    return failed(HTTP, f"{address} is taken by {taker}", "choose another mjpeg_server.port, or stop that program")


def _answers_as_node(address: str) -> bool:
    context = ssl.create_default_context()
    # Only whether it answers is asked; a certificate of the house's own is in order.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{address}healthz", timeout=TIMEOUT_S) as answer:
            return answer.read(8) in _HEALTH
    except urllib.error.HTTPError as error:
        return error.read(8) in _HEALTH
    except (OSError, ValueError):
        return False


def _address(config: Config) -> str:
    host = _LOOPBACK.get(config.http.host, config.http.host)
    scheme = "https" if config.http.tls.enable else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{config.mjpeg_server.port}/"
