"""Check of a path before it is opened as a film: opening a pipe waits for ever, and OpenCV gives no reason."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pi_cam_node.base.errors import SourceError


def require_file(path: Path, title: str) -> None:
    """Require a regular file that may be read.

    Raises:
        SourceError: There is none; the message says what to do.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise SourceError(f"{title}: the user that the node runs as may not enter its folder") from None
    except (OSError, ValueError):
        place = "" if path.is_absolute() else f" in {Path.cwd()}; write the whole path, beginning with /"
        raise SourceError(f"{title} does not exist{place}") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise SourceError(f"{title} is {kind}, not a film; a USB camera is written v4l2:<device>")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{title} may not be read by the user that the node runs as")
