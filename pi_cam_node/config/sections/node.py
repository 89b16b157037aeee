"""Settings of the node's identity."""

from __future__ import annotations

import re
import socket
from typing import Annotated

from pydantic import Field, field_validator

from pi_cam_node.base.units import GIB
from pi_cam_node.config.sections.base import Section, Setting

NODE_ID_PATTERN = r"[a-z0-9_-]{1,64}"
NODE_ID_FORM = "1 to 64 of a–z, 0–9, _ and -"


def default_node_id() -> str:
    """Return the host name as a node id."""
    host = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:64]
    return host if host not in ("", "all", "group", "localhost") else "camera"


def has_container_id(node: NodeConfig) -> bool:
    """Return whether the id is a generated host name of a container: 12 hex digits, others at each re-creation."""
    return "id" not in node.model_fields_set and re.fullmatch(r"[0-9a-f]{12}", node.id) is not None


class NodeConfig(Section):
    """Identity of this node, its groups and its memory."""

    id: Annotated[
        str,
        Field(pattern=f"^{NODE_ID_PATTERN}$"),
        Setting(
            "Names the node in topics and to Home Assistant; the default is the host name. Two nodes never share one.",
            form=NODE_ID_FORM,
        ),
    ] = Field(default_factory=default_node_id)
    name: Annotated[
        str,
        Field(max_length=64),
        Setting("Displayed name of the camera, in Home Assistant too. Empty: made from the id."),
    ] = ""
    groups: Annotated[
        list[Annotated[str, Field(pattern=f"^{NODE_ID_PATTERN}$")]],
        Field(max_length=16),
        Setting(
            "Groups of the node: it also runs commands that come on <base>/group/<name>/cmd/<verb>.", form=NODE_ID_FORM
        ),
    ] = []
    memory_bytes: Annotated[
        int,
        Field(ge=0, le=64 * GIB),
        Setting(
            "Memory that frames, ring, packets of video and queues may take together. 0: half of what is free at "
            "start, 256 MiB at most. Where it is short the ring gets smaller first; pictures that wait for the disk "
            "may take an eighth more.",
            unit="B",
        ),
    ] = 0

    @field_validator("id")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in ("all", "group"):
            raise ValueError("the name is reserved for commands to several nodes")
        return value
