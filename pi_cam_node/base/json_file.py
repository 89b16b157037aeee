"""Reads JSON files that a person or another program may have changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pi_cam_node.base.secret_file import open_plain
from pi_cam_node.base.strict_json import read_json

# Larger than any JSON file of the node.
MAX_BYTES = 1 << 20


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; its values can be stored, compared and shown, see `read_json`.

    Never waits: pipes and devices are not read.

    Returns:
        ``None`` if the file holds no object, is too large, or is no regular file.

    Raises:
        OSError: The file is missing or cannot be read.
    """
    try:
        with open_plain(path) as file:
            facts = read_json(file.read(MAX_BYTES).removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None
