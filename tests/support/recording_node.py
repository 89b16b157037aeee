"""A node that records, and the frame numbers in its films."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.support.broker import Mosquitto, wait_until
from tests.support.numbered import lumas_in
from tests.support.running_node import BASE, CommandClient, RunningNode

FPS, PRE_S, POST_S = 10, 2.0, 1.0
FILM_S = 60.0


class Films:
    """A node that records, and its films.

    Args:
        folder: Working folder.
        broker: Its broker.
        captures: Folder of its films; by default below ``folder``.
        environment: Environment variables of the node.
        sections: Further settings.
    """

    def __init__(
        self,
        folder: Path,
        broker: Mosquitto,
        captures: Path | None = None,
        environment: dict[str, str] | None = None,
        **sections: Any,
    ) -> None:
        self.captures = captures or folder / "captures"
        self._broker = broker
        told: dict[str, Any] = {
            "camera": {"framerate": FPS},
            "export": {"base_dir": str(self.captures)},
            "recording": {"mode": "motion", "pre_roll_s": PRE_S, "post_roll_s": POST_S},
            "storage": {"min_free_bytes": 0},
        }
        for name, values in sections.items():
            told[name] = {**told.get(name, {}), **values}
        self.pre_s: float = told["recording"]["pre_roll_s"]
        self.node = RunningNode(folder, broker.port, environment, **told)

    @contextmanager
    def running(self) -> Iterator[CommandClient]:
        """Start the node; stop it at the end, if it still runs."""
        with self.node as node, self._broker.client() as client:
            commands = CommandClient(client)
            commands.wait_online()
            yield commands
            if node.running:
                node.stop()

    def wait_for_pre_roll(self, commands: CommandClient) -> None:
        """Wait until the ring contains a complete pre-roll of pictures from after the start of the node."""
        wait_until(
            lambda: commands.ask("health")["data"]["ring_seconds"] > self.pre_s + 1,
            "a ring longer than the pre-roll",
            FILM_S,
        )

    def start_recording(self, commands: CommandClient, number: int = 1) -> dict[str, Any]:
        """Start a manual recording; return its event once film number ``number`` of this node is being written."""
        event: dict[str, Any] = commands.ask("record", state="on")["data"]
        self.wait_for(commands, "recording_started", number)
        return event

    def stop_recording(self, commands: CommandClient, number: int = 1) -> dict[str, Any]:
        """End a manual recording; return the message of the film once it is on disk."""
        commands.ask("record", state="off")
        return self.wait_for(commands, "recording_saved", number)

    def messages(self, commands: CommandClient, kind: str) -> list[dict[str, Any]]:
        """Return received events of a kind."""
        received = list(commands.client.received)
        return [json.loads(m.payload) for m in received if m.topic == f"{BASE}/event/{kind}"]

    def wait_for(self, commands: CommandClient, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for a number of events of a kind; return the last one."""
        wait_until(lambda: len(self.messages(commands, kind)) >= count, f"{count} {kind}", FILM_S)
        return self.messages(commands, kind)[count - 1]

    def zombies(self) -> list[int]:
        """Return zombie children of the node that remain after a moment."""
        deadline_s = time.monotonic() + FILM_S
        while (found := self._zombies()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        return found

    def _zombies(self) -> list[int]:
        children = psutil.Process(self.node.process.pid).children(recursive=True)
        return [child.pid for child in children if child.is_running() and child.status() == psutil.STATUS_ZOMBIE]


def pictures_of(path: Path) -> list[tuple[float, int]]:
    """Return time in seconds and frame number of each picture of a synthetic camera's film; decodes all of it."""
    from pi_cam_node.camera.sources.synthetic.scene import number_of  # noqa: PLC0415 - needs OpenCV

    return [(at_s, number_of(luma)) for at_s, luma in lumas_in(path)]


def numbers_of(path: Path) -> list[int]:
    """Return the frame numbers of a film, in its order."""
    return [number for _, number in pictures_of(path)]


def number_in(picture: Path) -> int:
    """Return the frame number of a saved picture."""
    import cv2  # noqa: PLC0415 - an extra

    from pi_cam_node.camera.sources.synthetic.scene import number_of  # noqa: PLC0415 - needs OpenCV

    luma: Any = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    return number_of(luma)


def side_car(media: dict[str, Any]) -> dict[str, Any]:
    """Return the side-car of a film."""
    return json.loads(Path(media["path"]).with_suffix(".json").read_text())  # type: ignore[no-any-return]


def assert_each_once(numbers: Sequence[int]) -> None:
    """Assert that no picture is missing, repeated or out of order."""
    assert list(numbers) == list(range(numbers[0], numbers[-1] + 1)), "each picture once, in order"
