"""Pool of live encoders: a consumer of packets shares an encoder that has them already, or gets one of its own.

The recorder, the live view and clips look at the same pictures, so that one encode is enough for all, as long as the
packets reach back far enough and none are left out.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from pi_cam_node.base.errors import Busy
from pi_cam_node.recording.live_encoder import LiveEncoder
from pi_cam_node.recording.packet_stream import PacketStream


class PacketSource(Protocol):
    """Packets for as long as they are needed.

    Attributes:
        stream: The packets. Read it once, after `PacketSupply.acquire`.
        failure: Why there are no packets; empty where there are.
    """

    stream: PacketStream
    failure: str

    @property
    def is_drained(self) -> bool:
        """Whether every picture that was taken so far has become a packet."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether no more packets come from this source; another one may have them."""
        ...


class PacketSupply(Protocol):
    """Makes packets of the camera's pictures on demand. Thread: any."""

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> PacketSource:
        """Return a source whose stream begins with a moment, at the latest with the key frame after it.

        Args:
            from_mono_s: Monotonic time of the first picture.
            spacing_s: Pictures that follow the one before sooner than this may be left out.

        Raises:
            Busy: Too many ask.
        """
        ...

    def share(self, from_mono_s: float) -> PacketSource | None:
        """Return a source that has every picture from a moment on anyway, for others; ``None``: there is none.

        Starts nothing; to be released as what `acquire` returns.
        """
        ...

    def release(self, source: PacketSource) -> None:
        """Say that a source is not needed any more; each `acquire` has its own."""
        ...


class EncoderPool:
    """Implements `PacketSupply` with a fixed number of encoders. Thread: any."""

    def __init__(self, encoders: Sequence[LiveEncoder]) -> None:
        """Start nothing yet.

        Args:
            encoders: One for each user, as none can be shared where the users differ in what they need. One that is
                shared by `share` alone is a user's, too: it is in use until that lets it go.
        """
        self.encoders = tuple(encoders)
        self._users = dict.fromkeys(self.encoders, 0)
        self._lock = threading.Lock()

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> LiveEncoder:
        """See `PacketSupply`."""
        with self._lock:
            shared = self._shared(from_mono_s, spacing_s)
            encoder = shared or next((one for one, users in self._users.items() if not users), None)
            if encoder is None:
                raise Busy("every encoder is in use")
            if shared is None:
                encoder.need(from_mono_s, spacing_s)
            self._users[encoder] += 1
            return encoder

    def share(self, from_mono_s: float) -> LiveEncoder | None:
        """See `PacketSupply`."""
        with self._lock:
            shared = self._shared(from_mono_s, 0.0)
            if shared is not None:
                self._users[shared] += 1
            return shared

    def release(self, source: PacketSource) -> None:
        """See `PacketSupply`."""
        with self._lock:
            encoder = next(one for one in self.encoders if one is source)
            self._users[encoder] -= 1
            if not self._users[encoder]:
                encoder.release()

    def _shared(self, from_mono_s: float, spacing_s: float) -> LiveEncoder | None:
        return next((one for one, users in self._users.items() if users and one.has(from_mono_s, spacing_s)), None)

    def start(self) -> None:
        """Start the threads. Once."""
        for encoder in self.encoders:
            encoder.start()

    def close(self, deadline_s: float) -> bool:
        """End threads and processes; return whether they ended in time."""
        ended = [encoder.close(deadline_s) for encoder in self.encoders]
        return all(ended)
