"""What the node promises under each fault: every promise once. `docs/reliability.md` and the tests refer to it.

A row says what this version does, also where that is less than one could wish. Letters: M the MQTT link, C camera
and process, S storage, T time, H HTTP, B a bar that holds over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One row of the table.

    Attributes:
        id: Letter and number, e.g. ``M3``; what ``@pytest.mark.promise`` names.
        fault: What goes wrong, for people.
        promise: What the node does then, with its bounds.
    """

    id: str
    fault: str
    promise: str


MQTT = (
    Promise(
        "M4",
        "a broker accepts the connection and never answers",
        "the attempt is given up after 5 s; the next one comes within 17 s",
    ),
)

CAMERA: tuple[Promise, ...] = ()

STORAGE: tuple[Promise, ...] = ()

TIME: tuple[Promise, ...] = ()

HTTP: tuple[Promise, ...] = ()

BARS: tuple[Promise, ...] = ()

SECTIONS = {
    "MQTT link": MQTT,
    "Camera and process": CAMERA,
    "Storage": STORAGE,
    "Time": TIME,
    "HTTP": HTTP,
    "Over all": BARS,
}
PROMISES = {promise.id: promise for section in SECTIONS.values() for promise in section}
