"""Model of an entry of ``cameras:``: a camera on the console's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pi_cam_node.config.sections.base import Section
from pi_cam_node.config.sections.node import NODE_ID_PATTERN

CAMERAS_MAX = 16


class CameraEntry(Section):
    """A node that the console runs itself.

    Attributes:
        id: `node.id`.
        source: `camera.source`; or empty, with ``source_file``.
        source_file: A file with `camera.source` in its first line, where that holds a login.
        name: `node.name`.
    """

    id: Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]
    source: Annotated[str, Field(max_length=1024)] = ""
    source_file: Path | None = None
    name: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _has_one_source(self) -> CameraEntry:
        if bool(self.source) == (self.source_file is not None):
            raise ValueError("expected either source or source_file")
        return self

    def below(self, folder: Path) -> CameraEntry:
        """Return the same with a relative ``source_file`` below a folder."""
        if self.source_file is None:
            return self
        return self.model_copy(update={"source_file": folder / self.source_file})
