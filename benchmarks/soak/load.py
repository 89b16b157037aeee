"""Load during the soak: commands of all kinds, and viewers of the stream."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable
from typing import Any

from benchmarks.soak.mqtt_probe import MqttProbe
from benchmarks.soak.records import Records
from tests.support.mjpeg import Viewer

PING_S = 1.0
# Interval of other commands among ``get`` commands, which show when the node responds again.
COMMAND_EVERY = 8

SLOW_PAUSE_S = 2.0
STAY_S = 60.0

Command = tuple[str, str | dict[str, Any]]
COMMANDS: tuple[Callable[[random.Random], Command], ...] = (
    lambda _dice: ("health", {}),
    lambda _dice: ("night_level", {}),
    lambda _dice: ("dump_config", {}),
    lambda _dice: ("help", {}),
    lambda _dice: ("save", {"formats": ["jpg"], "thumbnail": True}),
    lambda _dice: ("save", {"formats": ["jpg", "png"]}),
    lambda dice: ("pastStack", {"count": dice.choice([1, 4, 16])}),
    lambda dice: ("shortstream", {"n": dice.randint(1, 10)}),
    lambda dice: ("set", {"key": "ring.quality", "value": dice.randint(75, 85)}),
    lambda dice: ("set", {"key": "export.save_before_s", "value": dice.randint(1, 20)}),
    lambda _dice: ("set", {"key": "ring.quality", "value": "bad"}),
    lambda dice: ("trigger", {"name": f"door-{dice.randint(1, 3)}"}),
    lambda dice: ("record", {"seconds": dice.randint(2, 8)}),
    lambda _dice: ("clip", {}),
    lambda _dice: ("events", {}),
    lambda _dice: ("overwrite_config", {}),
    lambda dice: ("save", dice.randbytes(40).decode("latin-1")),
    lambda _dice: ("nonsense", {}),
)


class Load:
    """Runs in separate threads until stopped.

    Args:
        probe: Sends the commands.
        http_port: Port of the node's web server.
        records: Receives the received frames.
        seed: Seed of the sequence of commands.
    """

    def __init__(self, probe: MqttProbe, http_port: int, records: Records, seed: int) -> None:
        self._probe = probe
        self._port = http_port
        self._records = records
        self._dice = random.Random(seed)
        self._stopped = threading.Event()
        works = {"soak-commands": self._command, "soak-viewer": self._watch, "soak-slow-viewer": self._watch_slowly}
        self._threads = [threading.Thread(target=work, name=name) for name, work in works.items()]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, within the timeout of a viewer."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(30)

    def _command(self) -> None:
        turn = 0
        while not self._stopped.wait(PING_S):
            turn += 1
            if turn % COMMAND_EVERY:
                self._probe.ask("get", {"key": "ring.quality"})
            else:
                self._probe.ask(*self._dice.choice(COMMANDS)(self._dice))

    def _watch(self) -> None:
        """Read every picture of the stream and record its number."""
        while not self._stopped.is_set():
            self._view("/stream?fps=2", 0.0, float("inf"))

    def _watch_slowly(self) -> None:
        """Read a picture now and then, and reconnect every minute."""
        while not self._stopped.is_set():
            self._view("/stream", SLOW_PAUSE_S, self._records.now_s + STAY_S)
            self._snapshot()

    def _view(self, path: str, pause_s: float, until_s: float) -> None:
        try:
            with Viewer(self._port, path, receive_bytes=65536 if pause_s else 0) as viewer:
                while not self._stopped.wait(pause_s) and self._records.now_s < until_s:
                    picture = viewer.picture()
                    if picture is None:
                        break
                    if not pause_s:
                        self._records.add("frame", name=picture.name)
        except (OSError, EOFError, AssertionError, KeyError, ValueError) as error:
            self._records.add("viewer", slow=bool(pause_s), error=f"{type(error).__name__}: {error}")
            self._stopped.wait(1)

    def _snapshot(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/snapshot.jpg")
            response = connection.getresponse()
            response.read()
            self._records.add("snapshot", status=response.status)
        except (OSError, http.client.HTTPException) as error:
            self._records.add("snapshot", status=0, error=str(error))
        finally:
            connection.close()
