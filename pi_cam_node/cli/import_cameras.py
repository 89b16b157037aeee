"""``pi-cam-node import``: takes over the cameras of go2rtc, Frigate or motionEye into the console's file."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.base.file_system import may_exist
from pi_cam_node.base.redaction import guarded, without_logins
from pi_cam_node.cli import main as program
from pi_cam_node.cli.console import DEFAULT_FILES, chosen_file
from pi_cam_node.cli.options import file_path

NOTES_MAX = 400


def main(arguments: Sequence[str]) -> int:
    """Show the cameras of another system, or write them; return 0, or 2 where nothing can be read or written."""
    parser = argparse.ArgumentParser(
        prog=f"{program.PROGRAM} import",
        description="Take over the cameras of go2rtc (go2rtc.yaml), Frigate (config.yml) or motionEye (its backup, "
        "/etc/motioneye, or one camera-N.conf) into `cameras:` of the console's file. Without --write nothing is "
        "changed: what would be taken, and what cannot be, is shown. Logins are never shown.",
        epilog="Sources with a login go into files of their own, for their owner alone, beside the console's file: "
        "run this as the user whom the console runs as.",
    )
    parser.add_argument("file", type=file_path, metavar="FILE", help="file or folder of the other system")
    files = " or ".join(map(str, DEFAULT_FILES))
    parser.add_argument("--config", type=file_path, metavar="FILE", help=f"the console's settings; by default {files}")
    parser.add_argument("--write", action="store_true", help="write the cameras into the console's file")
    options = parser.parse_args(arguments)
    target: Path = chosen_file(options.config) or DEFAULT_FILES[0]
    try:
        return _import(options.file, target, is_write=options.write)
    except ConfigError as error:
        for problem in error.problems:
            print(guarded(problem), file=sys.stderr)
    except NotSaved as error:
        print(f"{program.PROGRAM} import: nothing was written: {error}", file=sys.stderr)
    return program.BAD_USE


def _import(file: Path, target: Path, *, is_write: bool) -> int:
    from pi_cam_node.console.config.cameras import CAMERAS_MAX, CameraEntry  # noqa: PLC0415 - the help comes without
    from pi_cam_node.console.config.cameras_file import add_cameras  # noqa: PLC0415
    from pi_cam_node.console.config.loader import load  # noqa: PLC0415
    from pi_cam_node.console.imports.camera_list import printable  # noqa: PLC0415
    from pi_cam_node.console.imports.reading import cameras_in  # noqa: PLC0415

    found = cameras_in(file, os.environ)
    own = load(target, {}).cameras if may_exist(target) else ()
    known = {camera.id for camera in own}
    added: list[CameraEntry] = []
    print(f"{found.system}: {len(found.cameras)} camera{'s' * (len(found.cameras) != 1)} a node can read")
    for camera in found.cameras:
        if camera.id in known:
            why = f"{target} has a camera of this id"
        elif len(own) + len(added) >= CAMERAS_MAX:
            why = f"a console runs at most {CAMERAS_MAX} cameras; run a node of its own for this one"
        else:
            print(f"  {camera.id}: taken: {without_logins(camera.source)}")
            added.append(CameraEntry(id=camera.id, source=camera.source, name=camera.name))
            continue
        print(f"  {camera.id}: not taken: {why}")
    for note in found.notes[:NOTES_MAX]:
        print(f"  {guarded(printable(note))}")
    if len(found.notes) > NOTES_MAX:
        print(f"  and {len(found.notes) - NOTES_MAX} more")
    if not added:
        print("nothing to write")
    elif is_write:
        add_cameras(target, added)
        print(f"wrote {len(added)} camera{'s' * (len(added) != 1)} into {target}; restart the console to run them")
    else:
        print(f"nothing was written; with --write {len(added)} would go into {target}")
    return 0
