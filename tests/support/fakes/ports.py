"""Ports of the core that do nothing."""

from __future__ import annotations

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.base.threads import Progress
from pi_cam_node.core.film import ClipOrder, EncoderKind, Film
from pi_cam_node.core.ports import Links
from pi_cam_node.core.rules.recording import EndReason, RecordingOrder

NO_LINKS = Links(lambda _media_id: None, lambda: {"url": "", "tls_sha256": ""}, lambda: None)


class NoRecorder:
    """Implements `RecorderPort` without recording."""

    missing = "this node cannot record"
    encoder: EncoderKind = "none"

    def begin(self, order: RecordingOrder) -> None:
        """Record nothing."""

    def end_at(self, mono_s: float, reason: EndReason) -> None:
        """There is nothing to end."""

    def stop_now(self, reason: EndReason) -> None:
        """There is nothing to end."""

    def make_clip(self, _order: ClipOrder, _progress: Progress) -> Film:
        """Refuse."""
        raise NotSaved(f"ERROR: {self.missing}")
