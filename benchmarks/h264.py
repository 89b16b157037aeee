"""Reference for live video and recording: encoding JPEGs of the film to H.264 as the node does.

With PyAV in this process, and with ffmpeg through a pipe.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from benchmarks import film

# One key frame per second, as in the node.
KEY_EVERY = film.FPS
QUALITY = 85
PICTURES = 6 * film.FPS
# Repetitions, so that the start of ffmpeg is a small part.
PIPED_TIMES = 5
OPTIONS = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "crf": "23"}
MISSING = "PyAV is not installed"


def has_av() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def has_ffmpeg() -> bool:
    """Return whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


def bare_ms(source: Path) -> float:
    """Return the CPU time per frame in ms for decoding JPEGs and encoding them with PyAV."""
    jpegs = _jpegs(source)
    before_s = time.process_time()
    for _packet in _encoded(jpegs):
        pass
    return (time.process_time() - before_s) / len(jpegs) * 1000


def write_packets(source: Path, file: Path) -> Path:
    """Write the packets of the film, each after its length in four bytes, for `rtsp_film`; return the file."""
    packets = list(_encoded(_jpegs(source)))
    file.write_bytes(b"".join(len(packet).to_bytes(4, "big") + packet for packet in packets))
    return file


def _encoded(jpegs: Sequence[bytes]) -> Iterator[bytes]:
    """Encode JPEGs; yield one packet each."""
    import av  # noqa: PLC0415 - an extra

    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = film.WIDTH, film.HEIGHT, "yuvj420p"
    encoder.time_base, encoder.framerate = Fraction(1, film.FPS), Fraction(film.FPS, 1)
    encoder.options = {**OPTIONS, "threads": "1", "g": str(KEY_EVERY)}
    decoder: Any = av.CodecContext.create("mjpeg", "r")
    decoder.thread_count = 1
    for number, jpeg in enumerate(jpegs):
        for frame in decoder.decode(av.Packet(jpeg)):
            frame.pict_type, frame.pts, frame.time_base = 0, number, encoder.time_base
            for packet in encoder.encode(frame):
                yield bytes(packet)


def piped_ms(source: Path, folder: Path) -> float:
    """Return the CPU time per frame in ms of an ffmpeg that gets JPEGs through a pipe and writes a film."""
    jpegs = _jpegs(source)
    options = [word for name, value in OPTIONS.items() for word in (f"-{name}:v", value)]
    command = [
        "ffmpeg", "-v", "error", "-y", "-threads", "1", "-f", "mjpeg", "-framerate", str(film.FPS), "-i", "-",
        "-c:v", "libx264", *options, "-g", str(KEY_EVERY), "-threads", "1", str(folder / "piped.mp4"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for _ in range(PIPED_TIMES):
            for jpeg in jpegs:
                process.stdin.write(jpeg)
        process.stdin.close()
        used = os.wait4(process.pid, 0)[2]
        process.returncode = 0
    return (used.ru_utime + used.ru_stime) / PIPED_TIMES / len(jpegs) * 1000


def decode_ms(url: str) -> float:
    """Return the CPU time per frame in ms for decoding a network camera's packets, without receiving them."""
    import av  # noqa: PLC0415 - an extra

    spent_s, frames = 0.0, 0
    with av.open(url, options={"rtsp_transport": "tcp"}) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            before_s = time.process_time()
            frames += len(packet.decode())
            spent_s += time.process_time() - before_s
            if frames >= PICTURES:
                break
    return spent_s / frames * 1000


def _jpegs(source: Path) -> list[bytes]:
    """Return the first pictures of the film as JPEGs, encoded as in the ring."""
    jpegs = []
    with source.open("rb") as file:
        for number in range(PICTURES):
            file.seek(film.offset(number % film.PICTURES))
            pixels = np.frombuffer(file.read(film.PICTURE_BYTES), np.uint8).copy()
            jpegs.append(bytes(simplejpeg.encode_jpeg_yuv_planes(*film.planes(pixels), QUALITY)))
    return jpegs
