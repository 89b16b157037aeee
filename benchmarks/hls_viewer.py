"""Viewer of live video with the requests of a player: the playlist twice per second, each segment once."""

from __future__ import annotations

import re
import threading
import time
import urllib.request

LOOK_S = 0.5
# Time after the last request until the encoder has ended.
GONE_S = 20.0


class HlsViewer:
    """One viewer of a node. Thread: its own."""

    def __init__(self, port: int) -> None:
        """Create the viewer without sending requests."""
        self._url = f"http://127.0.0.1:{port}/hls/"
        self._seen: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> float:
        """Start; return the seconds until the first segment was received."""
        at_s = time.monotonic()
        self._look()
        took_s = time.monotonic() - at_s
        self._thread.start()
        return took_s

    def stop(self) -> None:
        """Stop the requests."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_S):
            self._look()

    def _look(self) -> None:
        for name in re.findall(r"^main-.*m4s$", self._get("main.m3u8").decode(), re.MULTILINE):
            if name not in self._seen:
                self._seen.add(name)
                self._get(name)

    def _get(self, name: str) -> bytes:
        with urllib.request.urlopen(self._url + name, timeout=30) as answer:
            return bytes(answer.read())
