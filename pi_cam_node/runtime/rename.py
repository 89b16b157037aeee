"""Empties what a renamed node left at the broker, once it is online under its new name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pi_cam_node.base.errors import Busy
from pi_cam_node.base.jobs import Progress, Submit
from pi_cam_node.config import Config
from pi_cam_node.core.events import Event
from pi_cam_node.core.inputs import BrokerConnected
from pi_cam_node.mqtt.former_names import FormerNames


class Rename:
    """Listens for the broker. Used by the node thread.

    Args:
        path: File of the names; ``None`` where there is no place for it.
        config: The settings at the start.
        boot_id: Of this run.
        submit: Puts work on the worker thread.
    """

    def __init__(self, path: Path | None, config: Config, boot_id: str, submit: Submit) -> None:
        self._names = FormerNames(path, config, boot_id)
        self._submit = submit
        self._is_done = False

    @property
    def former_ids(self) -> list[str]:
        """Node ids that the node had before."""
        return self._names.ids

    def on_event(self, event: Event) -> None:
        """Remember the name, and clear former ones, when the broker is there for the first time."""
        if isinstance(event, BrokerConnected) and not self._is_done:
            with suppress(Busy):  # then with the next connection
                self._submit(self._clear)
                self._is_done = True

    def _clear(self, _progress: Progress) -> None:
        """Thread: the worker."""
        self._names.remember()
        if self._names.has_ghosts:
            self._names.clear()
