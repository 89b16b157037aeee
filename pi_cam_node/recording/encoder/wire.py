"""Wire format between the node and the encoder's process, on a stream socket.

Each message is a header and a body. To the encoder: a picture, as a JPEG, or as the place of its planes in shared
memory, whose descriptor comes along. From it: the size of the pictures from here on, a packet, or what went wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from pi_cam_node.base.frozen import frozen

# Kind, time in ticks or width, flag or height, bytes of the body.
_HEADER = struct.Struct(">BqII")
# A picture or a packet is larger only where something is wrong.
BODY_BYTES_MAX = 32 << 20

# Body of `planes`: width, height, and where in the memory they begin.
PLANES = struct.Struct(">IIQ")

Kind = Literal["picture", "planes", "size", "packet", "failed"]
_KINDS: tuple[Kind, ...] = ("picture", "planes", "size", "packet", "failed")


@frozen
class Message:
    """A message.

    Attributes:
        kind: ``picture``: a JPEG to encode. ``planes``: the place of its planes instead, see `PLANES`. ``size``: the
            packets that follow show pictures of ``number`` x ``flag`` pixels. ``packet``: an access unit in Annex B.
            ``failed``: the reason, in UTF-8.
        number: Time in ticks of `TIMESCALE_HZ` on the monotonic clock; of ``size`` the width.
        flag: Of a picture: 1 where a key frame is wanted. Of a packet: 1 where it is one. Of ``size`` the height.
        body: The bytes.
    """

    kind: Kind
    number: int = 0
    flag: int = 0
    body: bytes = b""

    def header(self) -> bytes:
        """Return the header, which precedes the body."""
        return _HEADER.pack(_KINDS.index(self.kind), self.number, self.flag, len(self.body))


class MessageReader:
    """Takes messages out of a stream of bytes."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Feed bytes and yield the messages that are whole.

        Raises:
            ValueError: The bytes are no messages.
        """
        self._waiting += data
        while len(self._waiting) >= _HEADER.size:
            kind, number, flag, size = _HEADER.unpack_from(self._waiting)
            if kind >= len(_KINDS) or size > BODY_BYTES_MAX:
                raise ValueError(f"a message of kind {kind} and {size} bytes")
            end = _HEADER.size + size
            if len(self._waiting) < end:
                return
            body = bytes(self._waiting[_HEADER.size : end])
            del self._waiting[:end]
            yield Message(_KINDS[kind], number, flag, body)
