"""Tells the user of the demo when the first brightness has reached the broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from pi_cam_node.config import MqttConfig
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, Received

PATIENCE_S = 30.0
LOOK_S = 0.2


class FirstReading:
    """A thread that waits for the brightness as any other client would; ends by itself.

    Args:
        mqtt: The broker.
        topic: The topic of the brightness.
        say: Takes a line for the user.
        began_s: When the demo began, on the monotonic clock.
    """

    def __init__(self, mqtt: MqttConfig, topic: str, say: Callable[[str], None], began_s: float) -> None:
        self._mqtt = mqtt
        self._topic = topic
        self._say = say
        self._began_s = began_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-first-light", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def stop(self) -> None:
        """Wait no longer, and join the thread."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        try:
            with BlockingClient(self._mqtt, "3.1.1") as connection:
                connection.subscribe([self._topic])
                self._wait(connection)
        except NoBroker as error:
            self._say(f"cannot watch the brightness: {error}")

    def _wait(self, connection: BlockingClient) -> None:
        while not self._stop.is_set():
            level = connection.wait_for(self._level, LOOK_S)
            if level is not None:
                self._say(f"first brightness: {level} ({self._waited_s():.1f} s after the start)")
                return
            if self._waited_s() > PATIENCE_S:
                self._say(f"no brightness after {PATIENCE_S:.0f} s; the log says more")
                return

    def _level(self, heard: Sequence[Received]) -> str | None:
        return next((message.text for message in heard if message.topic == self._topic and message.payload), None)

    def _waited_s(self) -> float:
        return time.monotonic() - self._began_s
