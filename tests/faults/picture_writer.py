"""Program that saves pictures until killed, and checks the files afterwards.

python -m tests.faults.picture_writer forever FOLDER      one line "ack ID" for each picture saved
python -m tests.faults.picture_writer once FOLDER         the same for one picture; exit 3: refused in words
python -m tests.faults.picture_writer check FOLDER [ACKS] exit 1: a picture is torn, or one of those is not there
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from pathlib import Path

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import NodeError
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.listing import list_pictures
from tests.faults import crash_program
from tests.faults.crash_program import REFUSED, say
from tests.support.frames import IMAGES
from tests.support.pictures import ALL, BOOT, config, picture, save


def forever(folder: Path) -> None:
    """Save pictures one after the other."""
    archive = PictureArchive(folder, BOOT, SystemClock(), IMAGES)
    for frame in itertools.count():
        say(f"ack {save(archive, frame, ['jpg', 'npy'])}")


def once(folder: Path) -> int:
    """Save one picture in all formats."""
    try:
        say(f"ack {PictureArchive(folder, BOOT, SystemClock(), IMAGES).save(picture(), ALL, config()).id}")
    except NodeError as error:
        say(f"{error.code}: {error}")
        return REFUSED
    return 0


def check(folder: Path, acks: set[str]) -> list[str]:
    """Return what is wrong with the folder, as the next start of the node finds it."""
    archive = PictureArchive(folder, BOOT, SystemClock(), IMAGES)
    archive.open()
    found = {entry.id: entry.extensions for entry in list_pictures(folder)}
    wrong = [f"lost {picture_id}" for picture_id in acks - {known for known in found if "json" in found[known]}]
    wrong += [f"litter {path.name}" for path in folder.rglob(".*.part")]
    for picture_id, extensions in found.items():
        if "json" not in extensions or len(extensions) == 1:
            wrong.append(f"half {picture_id}: {', '.join(extensions)}")
        else:
            wrong += _torn(folder, picture_id)
    return wrong


def _torn(folder: Path, picture_id: str) -> list[str]:
    files = json.loads((folder / f"{picture_id}.json").read_bytes())["files"]
    return [
        f"torn {file['name']}"
        for file in files
        if hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() != file["sha256"]
    ]


if __name__ == "__main__":
    sys.exit(crash_program.run(check, forever=forever, once=once))
