"""Privacy over a restart: a file whose being there means that it is on, whatever is in it.

So it fails closed. A damaged file is a file; one that cannot be looked for counts as there; and an empty one can be
made on a disk that is full.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from pi_cam_node.atomic import create_atomically, make_directory, sync_directory
from pi_cam_node.storage.files import reported

logger = logging.getLogger(__name__)

FILE_NAME = ".privacy_on"


class PrivacyMark:
    """The file in the folder of the pictures.

    Thread: one at a time; the worker, but for the look at start.
    """

    def __init__(self, base_dir: Path) -> None:
        self.path = base_dir.absolute() / FILE_NAME

    @property
    def is_there(self) -> bool:
        """Whether privacy is on, as far as the disk can tell: where it cannot, it is."""
        try:
            self.path.lstat()
        except FileNotFoundError:
            return False
        except OSError as error:
            logger.warning("privacy is on, since %s cannot be looked for: %s", self.path, error)
        return True

    def confirm(self) -> None:
        """Put on disk what was found: whoever made the file may have been killed before its name was safe there."""
        try:
            sync_directory(self.path.parent)
        except OSError as error:
            logger.warning("a power cut may switch privacy off: %s: %s", self.path, error)

    def put(self, on: bool) -> None:
        """Make or remove the file; it is on disk, or gone from it, when this returns, whoever made or removed it.

        Raises:
            NoSpace: There is no room for another name.
            NotSaved: The disk does not let us.
        """
        with reported(f"cannot change {self.path}"):
            if on:
                make_directory(self.path.parent)
                try:
                    create_atomically(self.path, b"")
                except FileExistsError:
                    sync_directory(self.path.parent)
            else:
                self.path.unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # without the folder nothing is in it
                    sync_directory(self.path.parent)
