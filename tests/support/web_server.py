"""A real web server with a real core; camera, disk and broker are controlled by the test."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.threads import Job
from pi_cam_node.config import Config
from pi_cam_node.core.core import Core
from pi_cam_node.core.events import Event
from pi_cam_node.core.frame_hub import FrameHub
from pi_cam_node.core.inbox import Inbox
from pi_cam_node.core.inputs import WorkEnded
from pi_cam_node.core.ports import LiveVideoPort, Ports
from pi_cam_node.core.recent_events import RecentEvents
from pi_cam_node.core.telemetry import FIGURES
from pi_cam_node.core.tickets import Tickets
from pi_cam_node.imaging.frame import Frame
from pi_cam_node.web.context import media_path
from pi_cam_node.web.server import WebServer
from tests.support import contract
from tests.support.broker import free_port, wait_until
from tests.support.core_harness import FakePrivacyPort, MemoryArchive
from tests.support.fakes.ports import NO_LINKS, NoRecorder
from tests.support.frames import IMAGES, frame_of
from tests.support.tls import TlsRelay, tls_section

TURN_S = 0.02


@dataclass
class MemoryPictures:
    """Saved pictures in memory, added by the test."""

    files: dict[str, Path] = field(default_factory=dict)
    is_away: bool = False

    def find(self, picture_id: str) -> str | None:
        path = self.files.get(picture_id)
        return None if path is None else str(path)

    def newest(self, count: int) -> Sequence[str]:
        return list(reversed(self.files))[:count]


@dataclass(frozen=True)
class Got:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RunningWebServer:
    """A server under test, within a ``with`` block.

    Args:
        folder: Folder for its files.
        node: Whether a real core processes commands and frames; otherwise inputs stay in the inbox for the test.
        name: Display name of the node.
        tls: Serve HTTPS; plain-text data sent to `port` is encrypted by a relay.
        live: Live video, if any.
        sections: Settings, as in the configuration file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        node: bool = True,
        name: str = "Porch",
        tls: bool = False,
        live: LiveVideoPort | None = None,
        **sections: Any,
    ) -> None:
        self.port = free_port()
        if tls:
            sections["http"] = {"tls": tls_section(folder), **sections.get("http", {})}
        self._relay = TlsRelay(self.port) if tls else None
        self.config = Config.model_validate(_tree(folder, self.port, sections))
        self.clock = SystemClock()
        self.inbox, self.hub, self.pictures = Inbox(), FrameHub(), MemoryPictures()
        self.archive, self.tickets = MemoryArchive(), Tickets(self.clock)
        self.privacy_port = FakePrivacyPort(self.hub.privacy_gate)
        info = {"id": "porch", "name": name, "version": "0.0.0"}
        self.web = WebServer(
            self.config, self.inbox, self.hub, self.pictures, self.clock, IMAGES, info, self.tickets, live=live
        )
        self.core = self._core() if node else None
        self._works = 0
        self._seq = 0
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        """The origin of its pages, as the server sees it."""
        return self.url if self._relay is None else self.url.replace("http:", "https:")

    def __enter__(self) -> Self:
        self.web.start()
        if self.core is not None:
            self._run("node", self._turns)
        wait_until(lambda: is_open(self.port), "the port of the web server")
        if self._relay is not None:
            self.port = self._relay.__enter__().port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._relay is not None:
            self._relay.__exit__(kind, error, trace)
        self._stopped.set()
        for thread in self._threads:
            thread.join(5)
        self.web.close(5)

    # ------------------------------------------------------------ what the test does

    def frame(self, level: int = 128, size: tuple[int, int] = (320, 240)) -> Frame:
        """Return a frame with a moving bar, exposed just now."""
        self._seq += 1
        pixels = np.full((size[1], size[0], 3), level, np.uint8)
        at = 4 * self._seq % (size[0] - 8)
        pixels[:, at : at + 8] = 255 - level
        now_s = self.clock.monotonic()
        return frame_of(pixels, self._seq, now_s, self.clock.utcnow(), raw=True, others=[92])

    def show(self, count: int = 1, level: int = 128) -> Frame:
        """Provide frames without a pause; return the last one."""
        for _ in range(count):
            shown = self.frame(level)
            self.hub.publish(shown)
            if self.core is not None:
                self.inbox.put_frame(shown)
                self.inbox.wake_for_frames()
        return shown

    @contextlib.contextmanager
    def filming(self, fps: float = 20.0) -> Iterator[None]:
        """Provide frames within the block."""
        ended = threading.Event()

        def film() -> None:
            while not ended.wait(1 / fps):
                self.show()

        thread = self._run("film", film)
        try:
            yield
        finally:
            ended.set()
            thread.join(5)

    def tell(self, *facts: Event) -> None:
        """Pass events to the server, as the node thread would."""
        for fact in facts:
            self.web.on_event(fact)

    def get(self, path: str, **headers: str) -> Got:
        """Send a GET; return the response. Header names are written with underscores."""
        return self.request("GET", path, headers)

    def post(self, path: str, body: object = None, **headers: str) -> Got:
        """Post a JSON body; return the response."""
        raw = b"" if body is None else json.dumps(body).encode()
        typed = {"Content_Type": "application/json", **headers} if raw else headers
        return self.request("POST", path, typed, raw)

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Got:
        """Send a request; return the response with any status. Redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
            connection.request(method, path, body or None, named)
            response = connection.getresponse()
            got = Got(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()
        contract.check_answer(method, path, got.status, got.headers.get("Content-Type", ""), got.body)
        return got

    # ------------------------------------------------------------ the node around it

    def _core(self) -> Core:
        ports = Ports(
            archive=self.archive,
            submit=self._submit,
            vitals=lambda: {**dict.fromkeys(figure.key for figure in FIGURES), "rss_mib": 61.5, "swap_pct": 0.0},
            write_config=lambda _config: Path("/etc/config.yaml"),
            stop=lambda _code: None,
            privacy_port=self.privacy_port,
            tickets=self.tickets,
            images=IMAGES,
            demand=lambda _after_mono_s, _demand: None,
            url_of=lambda media_id: self.web.signed(media_path(media_id)),
            links=replace(
                NO_LINKS, thumbnail_url=lambda media_id: self.web.signed(f"{media_path(media_id)}/thumbnail")
            ),
            events=RecentEvents(),
            recorder=NoRecorder(),
        )
        return Core(self.config, self.clock, ports, boot_id="3f2a91c0", budget_bytes=64 << 20, node_id="porch")

    def _submit(self, job: Job) -> int:
        """Run the job at once; its end is put into the inbox, as by the worker."""
        self._works += 1
        try:
            self.inbox.put(WorkEnded(self._works, result=job(lambda _done, _total: None)))
        except Exception as error:
            self.inbox.put(WorkEnded(self._works, error=error))
        return self._works

    def _turns(self) -> None:
        assert self.core is not None
        while not self._stopped.is_set():
            for fact in self.core.step(self.inbox.take(TURN_S)):
                self.web.on_event(fact)

    def _run(self, name: str, what: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=what, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread


def _tree(folder: Path, port: int, sections: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {
        "node": {"id": "porch"},
        "export": {"base_dir": str(folder / "captures"), "auto_save_interval_s": 0},
        "mjpeg_server": {"port": port},
    }
    for name, values in sections.items():
        tree.setdefault(name, {}).update(values)
    return tree


def is_open(port: int) -> bool:
    """Tell whether a program listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
