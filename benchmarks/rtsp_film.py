"""RTSP camera that sends the film as pre-encoded H.264 in a loop, with GStreamer's server.

Run with the system's Python: rtsp_film.py --port PORT --packets FILE --fps FPS. The file contains the packets of the
film, each after its length in four bytes; the first is a key frame. Prints READY once it listens.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

from tests.support.gst_camera import GLib, Gst, serve

_PIPELINE = (
    "appsrc name=film is-live=true format=time do-timestamp=true"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! rtph264pay name=pay0 pt=96"
)


def packets_in(file: Path) -> list[bytes]:
    """Return the packets in a file."""
    data, at, packets = file.read_bytes(), 0, []
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        packets.append(data[at + 4 : end])
        at = end
    return packets


parser = argparse.ArgumentParser()
parser.add_argument("--port", required=True)
parser.add_argument("--packets", required=True, type=Path)
parser.add_argument("--fps", required=True, type=int)
arguments = parser.parse_args()
film = packets_in(arguments.packets)


def play(pipeline: Any) -> None:
    """Send a packet at each interval until the client disconnects."""
    source, packets = pipeline.get_by_name("film"), itertools.cycle(film)

    def push() -> bool:
        return bool(source.emit("push-buffer", Gst.Buffer.new_wrapped(next(packets))) == Gst.FlowReturn.OK)

    GLib.timeout_add(1000 // arguments.fps, push)


serve(arguments.port, _PIPELINE, play)
