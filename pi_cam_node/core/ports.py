"""What the core needs of the world; the composition root connects it, tests hold it in their hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.jobs import Submit
from pi_cam_node.config import Config
from pi_cam_node.core.erase_report import EraseReport
from pi_cam_node.core.history import EventStore, Links, RecentEvents
from pi_cam_node.core.picture import Archive
from pi_cam_node.core.privacy_gate import PrivacyGate
from pi_cam_node.core.tickets import Tickets


class PrivacyPort(Protocol):
    """What privacy and erase need of the world."""

    curtain: PrivacyGate

    def hold(self, held: bool) -> None:
        """Let go of the camera, or take it up again, without waiting for it. Thread: the node thread."""
        ...

    def seal(self, closed: bool) -> None:
        """Remember on disk whether privacy is on, and wait until nobody of ours has the camera where it is.

        Thread: the worker.

        Raises:
            NotSaved, NoSpace: It is not remembered.
            CameraDown: The camera's process does not end in time.
        """
        ...

    def erase(self) -> EraseReport:
        """Remove everything that the node leaves behind, and say what that was. Thread: the worker."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What the core needs of the world.

    Attributes:
        archive: Where pictures are kept.
        submit: Puts work on the worker thread.
        vitals: Returns memory, temperature, disk and the like.
        write_config: Writes a configuration into the configuration file. Thread: the worker.
        stop: Ends the node with an exit code.
        discretion: Sees to it that nothing is seen, and nothing left behind.
        url_of: Returns a link to a saved picture, ``None`` where HTTP is off.
        links: What replies tell of the HTTP server and the broker.
        tickets: Makes tickets; the HTTP server checks them.
        events: Where events are kept.
    """

    archive: Archive
    submit: Submit
    vitals: Callable[[], Mapping[str, object]]
    write_config: Callable[[Config], Path]
    stop: Callable[[int], None]
    discretion: PrivacyPort
    url_of: Callable[[str], str | None] = lambda _picture_id: None
    links: Links = field(default_factory=Links)
    tickets: Tickets = field(default_factory=lambda: Tickets(SystemClock()))
    events: EventStore = field(default_factory=RecentEvents)
