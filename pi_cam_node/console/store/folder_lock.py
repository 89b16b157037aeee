"""Lock on the console's folder: accounts and sessions are kept in memory, so a second console would miss changes."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from pathlib import Path

from pi_cam_node.base.errors import ConfigError

_log = logging.getLogger(__name__)

# A console that is being stopped exits within this time.
WAIT_S, POLL_S = 15.0, 0.1


def lock_folder(folder: Path, wait_s: float = WAIT_S) -> int | None:
    """Lock a folder and return its descriptor, whose closing releases it, as the end of the process does.

    ``None`` where the file system has no locks.

    Args:
        folder: ``console.base_dir``.
        wait_s: How long to wait for a console that holds it, in seconds.

    Raises:
        ConfigError: Another console holds it.
        OSError: The folder cannot be opened.
    """
    end_s, pause = time.monotonic() + wait_s, threading.Event()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end_s:
                os.close(descriptor)
                why = f"another console uses {folder.absolute()}"
                raise ConfigError([f"console.base_dir: {why}; stop it, or give this one a folder of its own"]) from None
            pause.wait(POLL_S)
        except OSError as error:
            os.close(descriptor)
            _log.warning("a second console in the same folder would not be noticed: %s: %s", folder, error.strerror)
            return None
        else:
            return descriptor
