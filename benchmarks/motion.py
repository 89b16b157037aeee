"""Reference: Debian's `motion` on the same film, at the same size and rate, if installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks import film
from benchmarks.program import Program
from tests.support.broker import free_port

MISSING = "motion is not installed: apt-get install motion"

CONFIG = """
daemon off
setup_mode off
log_level 4
log_file {folder}/motion-{port}.log
target_dir {folder}/motion
width {width}
height {height}
framerate {fps}
netcam_url file://{film}
picture_output off
movie_output off
emulate_motion off
webcontrol_port 0
stream_port {port}
stream_localhost on
stream_maxrate {fps}
stream_quality 85
pre_capture {pre_capture}
"""


def version() -> str | None:
    """Return the installed version; ``None`` if not installed."""
    path = shutil.which("motion")
    if path is None:
        return None
    said = subprocess.run([path, "-h"], capture_output=True, text=True, check=False, timeout=10).stdout
    return said.partition(",")[0].partition("Version ")[2] or "unknown"


class Motion(Program):
    """A running motion: it detects motion, keeps `pre_capture` raw frames, and serves a stream."""

    part = b"Content-type: image/jpeg"

    def __init__(self, folder: Path, source: Path, pre_capture: int = 0) -> None:
        """Start it.

        Args:
            folder: Folder for its configuration and log.
            source: The film.
            pre_capture: Number of frames kept from before an event.
        """
        self.port = free_port()
        file = folder / f"motion-{self.port}.conf"
        size = {"width": film.WIDTH, "height": film.HEIGHT, "fps": film.FPS}
        file.write_text(CONFIG.format(folder=folder, port=self.port, film=source, pre_capture=pre_capture, **size))
        super().__init__(["motion", "-n", "-c", str(file)], quiet=True)
