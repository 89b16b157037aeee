"""GStreamer's RTSP server, for the cameras of tests and benchmarks; their programs run with the system's Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gi  # type: ignore[import-not-found]  # of Debian, not of PyPI

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402 - the versions first

__all__ = ["GLib", "Gst", "serve"]

Gst.init(None)


def serve(port: str, pipeline: str, configure: Callable[[Any], None] | None = None) -> None:
    """Serve a pipeline on loopback below ``/cam`` until killed; prints READY once it listens.

    Args:
        port: The port.
        pipeline: In GStreamer's notation; all clients share it.
        configure: Called with the pipeline when it has been made for the first client.
    """
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(f"( {pipeline} )")
    factory.set_shared(True)
    if configure is not None:
        factory.connect("media-configure", lambda _factory, media: configure(media.get_element()))
    server.get_mount_points().add_factory("/cam", factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on {port}")
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    GLib.MainLoop().run()
