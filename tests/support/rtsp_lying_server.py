"""RTSP camera with a wrong rate or few key frames: a GStreamer server, run with the system's Python.

rtsp_lying_server.py --port PORT --fps 21 --says 25: H.264 of 320×240, whose description and parameter sets have the
second rate; with --key-s 60 a key frame at the first connection, and then one per minute. Prints READY once it listens.
"""

from __future__ import annotations

import argparse
import sys

import gi  # type: ignore[import-not-found]  # of Debian, not of PyPI

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402 - the versions first

parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--fps", type=int, required=True)
parser.add_argument("--says", type=int, required=True)
parser.add_argument("--key-s", type=int, default=1)
arguments = parser.parse_args()
Gst.init(None)
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")
server.set_service(arguments.port)
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_launch(
    f"( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,"
    f'framerate={arguments.fps}/1 ! capssetter join=true caps="video/x-raw,framerate={arguments.says}/1"'
    f" ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=600"
    f" key-int-max={arguments.fps * arguments.key_s} option-string=scenecut=0"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)
factory.set_shared(True)
server.get_mount_points().add_factory("/cam", factory)
if not server.attach(None):
    sys.exit(f"cannot listen on {arguments.port}")
sys.stdout.write("READY\n")
sys.stdout.flush()
GLib.MainLoop().run()
