"""What the core needs of the world; the composition root connects it, tests hold it in their hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pi_cam_node.config import Config
from pi_cam_node.dispatcher import Submit
from pi_cam_node.picture import Archive


@dataclass(frozen=True, slots=True)
class Ports:
    """What the core needs of the world.

    Attributes:
        archive: Where pictures are kept.
        submit: Puts work on the worker thread.
        vitals: Returns memory, temperature, disk and the like.
        write_config: Writes a configuration into the configuration file. Thread: the worker.
        stop: Ends the node with an exit code.
        url_of: Returns a link to a saved picture, ``None`` where HTTP is off.
    """

    archive: Archive
    submit: Submit
    vitals: Callable[[], Mapping[str, object]]
    write_config: Callable[[Config], Path]
    stop: Callable[[int], None]
    url_of: Callable[[str], str | None] = lambda _picture_id: None
