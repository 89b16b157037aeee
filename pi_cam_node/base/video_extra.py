"""Detects the optional extra ``video``, with a message where it is missing. Imports nothing of it."""

from __future__ import annotations

import importlib.util

VIDEO_HINT = "recording and live video need PyAV, the extra video: pip install 'pi-cam-node[video]'"


def has_video() -> bool:
    """Return whether video can be encoded."""
    return importlib.util.find_spec("av") is not None
