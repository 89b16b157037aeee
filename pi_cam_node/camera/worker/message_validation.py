"""What the camera's process says, checked by type: a decoder that crashes may write anything before it ends."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pi_cam_node.camera.worker.messages import WireNote

_NOTES: TypeAdapter[WireNote] = TypeAdapter(Annotated[WireNote, Field(discriminator="kind")])


def decode_report(datagram: bytes) -> WireNote:
    """Return the note in a datagram.

    Raises:
        ValueError: It holds none.
    """
    try:
        return _NOTES.validate_json(datagram)
    except ValidationError as error:
        raise ValueError(f"{error.error_count()} faults in a message of {len(datagram)} bytes") from None
