"""Detects the optional extra ``video``, with a message where it is missing. Imports nothing of it."""

from __future__ import annotations

import importlib.util

VIDEO_HINT = "recording needs PyAV, the extra video: pip install 'pi-cam-node[video]'"


def has_video() -> bool:
    """Return whether films can be encoded."""
    return importlib.util.find_spec("av") is not None
