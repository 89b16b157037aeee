"""RTSP camera for tests: the shared GStreamer server, if it and its packages are installed."""

from __future__ import annotations

import functools
import os
import selectors
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.broker import free_port

SERVER = Path(__file__).parents[2].parent / "shared" / "tools" / "clients" / "rtsp_server.py"
# The same with sound.
SOUND_SERVER = Path(__file__).with_name("rtsp_sound_server.py")
# The server's packages are installed for the system's Python.
PYTHON = Path("/usr/bin/python3")
START_S = 60.0


@functools.cache
def why_not() -> str | None:
    """Return why there is no RTSP server here; ``None`` if there is one."""
    if not SERVER.exists():
        return f"{SERVER.name} is not beside the repository"
    if not PYTHON.exists():
        return f"{PYTHON} is not there"
    probe = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    done = subprocess.run([PYTHON, "-c", probe], check=False, capture_output=True, timeout=60)
    return "python3-gi or gir1.2-gst-rtsp-server-1.0 is not installed" if done.returncode else None


@functools.cache
def why_no_sound() -> str | None:
    """Return why there is no RTSP server with sound here; ``None`` if there is one."""
    if not PYTHON.exists():
        return f"{PYTHON} is not there"
    probe = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "elements = 'x264enc rtph264pay jpegenc rtpjpegpay voaacenc rtpmp4gpay mulawenc rtppcmupay audiotestsrc';"
        "assert all(map(Gst.ElementFactory.find, elements.split()))"
    )
    done = subprocess.run([PYTHON, "-c", probe], check=False, capture_output=True, timeout=60)
    return (
        "python3-gi, gir1.2-gst-rtsp-server-1.0 or a plugin of GStreamer is not installed" if done.returncode else None
    )


class RtspServer:
    """The server in its own process, within a ``with`` block."""

    def __init__(self, *options: str, port: int | None = None, login: str = "", script: Path = SERVER) -> None:
        self._script = script
        self.port = port or free_port()
        self._options = [*options, *(["--user", login] if login else [])]
        self._login = f"{login}@" if login else ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"rtsp://{self._login}127.0.0.1:{self.port}/cam"

    def __enter__(self) -> Self:
        command = [str(PYTHON), str(self._script), "--port", str(self.port), *self._options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            assert selector.select(START_S), "the RTSP server does not come up"
        assert self._process.stdout.readline().startswith("READY")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait(10)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to end, suspend or resume the server, or to drop its clients."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
