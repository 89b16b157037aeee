"""Cameras on the console's own machine: what ``cameras:`` may say of each."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pi_cam_node.config.sections.base import Section
from pi_cam_node.config.sections.node import NODE_ID_PATTERN

CAMERAS_MAX = 16


class CameraEntry(Section):
    """A node that the console runs itself."""

    id: Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]
    source: Annotated[str, Field(min_length=1, max_length=1024)]
    name: Annotated[str, Field(max_length=64)] = ""
