"""The promises of the node under each fault, used by `docs/reliability.md` and the tests.

A row says what this version does, even where more would be desirable. Letters: M the MQTT link, C camera
and process, S storage, T time, H HTTP, P privacy, V video, B a bar that holds over all of them, X a class of
attacks.
"""

from __future__ import annotations

from tests.support.reliability.promises.access import ATTACKS, HTTP, PRIVACY
from tests.support.reliability.promises.bars import BARS
from tests.support.reliability.promises.camera import CAMERA, FILMS
from tests.support.reliability.promises.link import MQTT
from tests.support.reliability.promises.promise import Promise
from tests.support.reliability.promises.storage import STORAGE, TIME

__all__ = ["PROMISES", "SECTIONS", "Promise"]

SECTIONS = {
    "MQTT link": MQTT,
    "Camera and process": CAMERA,
    "Storage": STORAGE,
    "Time": TIME,
    "HTTP": HTTP,
    "Privacy": PRIVACY,
    "Films": FILMS,
    "Over all": BARS,
    "Attacks": ATTACKS,
}
PROMISES = {promise.id: promise for section in SECTIONS.values() for promise in section}
