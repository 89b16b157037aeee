"""Pool of live encoders: a consumer shares a suitable running encoder, or gets its own.

Recorder, live view and clips need the same pictures, so one encoder suffices as long as its packets reach back far
enough and none is skipped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from pi_cam_node.base.errors import Busy
from pi_cam_node.recording.live_encoder import LiveEncoder
from pi_cam_node.recording.packet_stream import PacketStream


class PacketSource(Protocol):
    """Source of packets for a consumer.

    Attributes:
        stream: The packets. Read it once, after `PacketSupply.acquire`.
        failure: Why there are no packets; empty otherwise.
    """

    stream: PacketStream
    failure: str

    @property
    def key_distance_s(self) -> float:
        """Seconds between the newest two key frames, or since the newest, whichever is longer; 0 if unknown."""
        ...

    @property
    def is_drained(self) -> bool:
        """Whether all pictures so far are encoded."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether no more packets come from this source."""
        ...


class PacketSupply(Protocol):
    """Provides packets of the camera's pictures on demand. Thread: any."""

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> PacketSource:
        """Return a source whose stream begins at a time, or with the next key frame.

        Args:
            from_mono_s: Monotonic time of the first picture.
            spacing_s: Pictures at a shorter distance may be skipped.

        Raises:
            Busy: All encoders are in use.
        """
        ...

    def share(self, from_mono_s: float) -> PacketSource | None:
        """Return a running source that has every picture from a time on; ``None`` if there is none.

        Starts no encoder; must be released like the result of `acquire`.
        """
        ...

    def release(self, source: PacketSource) -> None:
        """Release a source; once for each `acquire` or `share`."""
        ...


class EncoderPool:
    """Implements `PacketSupply` with a fixed number of encoders. Thread: any."""

    def __init__(self, encoders: Sequence[LiveEncoder]) -> None:
        """Start nothing yet.

        Args:
            encoders: One for each possible consumer, as their needs may differ. A consumer by `share` occupies its
                encoder, too.
        """
        self.encoders = tuple(encoders)
        self._users = dict.fromkeys(self.encoders, 0)
        self._viewers = dict.fromkeys(self.encoders, 0)
        self._lock = threading.Lock()

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0, *, is_live: bool = False) -> LiveEncoder:
        """See `PacketSupply`; ``is_live``: rather without some pictures than late."""
        with self._lock:
            shared = self._shared(from_mono_s, spacing_s, is_live=is_live)
            encoder = shared or next((one for one, users in self._users.items() if not users), None)
            if encoder is None:
                raise Busy("every encoder is in use")
            if shared is None:
                encoder.need(from_mono_s, spacing_s)
            self._count(encoder, 1, is_live=is_live)
            return encoder

    def share(self, from_mono_s: float, *, is_live: bool = False) -> LiveEncoder | None:
        """See `PacketSupply`; ``is_live`` as with `acquire`."""
        with self._lock:
            shared = self._shared(from_mono_s, 0.0, is_live=is_live)
            if shared is not None:
                self._count(shared, 1, is_live=is_live)
            return shared

    def release(self, source: PacketSource, *, is_live: bool = False) -> None:
        """See `PacketSupply`; ``is_live`` as with `acquire`."""
        with self._lock:
            encoder = next(one for one in self.encoders if one is source)
            self._count(encoder, -1, is_live=is_live)
            if not self._users[encoder]:
                encoder.release()

    def _shared(self, from_mono_s: float, spacing_s: float, *, is_live: bool) -> LiveEncoder | None:
        used = (encoder for encoder, users in self._users.items() if users)
        return next((encoder for encoder in used if encoder.has(from_mono_s, spacing_s, is_live=is_live)), None)

    def _count(self, encoder: LiveEncoder, change: int, *, is_live: bool) -> None:
        self._users[encoder] += change
        self._viewers[encoder] += change * is_live
        encoder.may_skip = self._users[encoder] == self._viewers[encoder]


class LiveSupply:
    """Implements `PacketSupply` with a pool of encoders for viewers, who rather miss pictures than see them late."""

    def __init__(self, pool: EncoderPool) -> None:
        self._pool = pool

    def acquire(self, from_mono_s: float, spacing_s: float = 0.0) -> LiveEncoder:
        """See `PacketSupply`."""
        return self._pool.acquire(from_mono_s, spacing_s, is_live=True)

    def share(self, from_mono_s: float) -> LiveEncoder | None:
        """See `PacketSupply`."""
        return self._pool.share(from_mono_s, is_live=True)

    def release(self, source: PacketSource) -> None:
        """See `PacketSupply`."""
        self._pool.release(source, is_live=True)
