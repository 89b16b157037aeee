"""RTSP camera with sound: a GStreamer server, run with the system's Python.

rtsp_sound_server.py --port PORT --sound aac|pcmu [--pictures h264|jpeg] [--lose N]: pictures of 320×240 at 10 fps, and
a tone of 440 Hz. In one of every N seconds the video packets are lost. Prints READY once it listens.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.support.gst_camera import Gst, serve

_SCENE = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1"
_PICTURES = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 bitrate=600"
    " ! rtph264pay name=pay0 pt=96 config-interval=1",
    "jpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
_SOUND = {
    "aac": "audio/x-raw,rate=16000,channels=1 ! audioconvert ! voaacenc ! rtpmp4gpay name=pay1 pt=97",
    "pcmu": "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0",
}

parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--sound", required=True, choices=sorted(_SOUND))
parser.add_argument("--pictures", default="h264", choices=sorted(_PICTURES))
parser.add_argument("--lose", type=float, default=0.0)
arguments = parser.parse_args()


def lose(pipeline: Any) -> None:
    """Drop RTP packets after the payloader, so that their sequence numbers are missing."""
    pad = pipeline.get_by_name("pay0").get_static_pad("src")
    kinds = Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST

    def drop(_pad: Any, _info: Any) -> Any:
        is_lost = time.monotonic() % arguments.lose < 1
        return Gst.PadProbeReturn.DROP if is_lost else Gst.PadProbeReturn.OK

    pad.add_probe(kinds, drop)


pictures, sound = f"{_SCENE} ! {_PICTURES[arguments.pictures]}", _SOUND[arguments.sound]
serve(
    arguments.port,
    f"{pictures} audiotestsrc is-live=true freq=440 ! {sound}",
    lose if arguments.lose else None,
)
