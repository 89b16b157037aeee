"""RTSP camera with a wrong rate or few key frames: a GStreamer server, run with the system's Python.

rtsp_lying_server.py --port PORT --fps 21 --says 25: H.264 of 320×240, whose description and parameter sets have the
second rate; with --key-s 60 a key frame at the first connection, and then one per minute. Prints READY once it listens.
"""

from __future__ import annotations

import argparse

from tests.support.gst_camera import serve

parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--fps", type=int, required=True)
parser.add_argument("--says", type=int, required=True)
parser.add_argument("--key-s", type=int, default=1)
arguments = parser.parse_args()
serve(
    arguments.port,
    f"videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,"
    f'framerate={arguments.fps}/1 ! capssetter join=true caps="video/x-raw,framerate={arguments.says}/1"'
    f" ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=600"
    f" key-int-max={arguments.fps * arguments.key_s} option-string=scenecut=0"
    " ! rtph264pay name=pay0 pt=96 config-interval=1",
)
