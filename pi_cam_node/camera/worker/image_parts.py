"""Converts a finished picture to parts for a slot of shared memory, and back."""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.camera.worker.frame_message import FrameInSlot, PacketInSlot
from pi_cam_node.camera.worker.messages import Image
from pi_cam_node.imaging.packet import Packet, PacketFacts, pts_of


def parts_of(image: Image, packets: Sequence[Packet]) -> list[bytes]:
    """Return the parts of a picture: JPEG, the one for the ring, other qualities, pixels, preview, and packets."""
    others = (*image.jpegs.values(), image.raw or b"", image.preview or b"")
    return [image.jpeg, image.ring_jpeg or b"", *others, *[packet.data for packet in packets]]


def told_packet(packet: Packet) -> PacketInSlot:
    """Return the description of a packet for a message."""
    facts = packet.facts
    return PacketInSlot(packet.mono_s, packet.key, facts.track, facts.sound, facts.is_made, facts.after_loss)


def image_of(report: FrameInSlot, parts: Sequence[bytes]) -> Image:
    """Assemble the picture of a report.

    Raises:
        ValueError: The number of parts differs from the report, or one that may not be missing is empty.
    """
    usual = len(report.qualities) + 4
    if len(parts) != usual + len(report.packets):
        raise ValueError(f"{len(parts)} parts of a picture with {len(report.qualities)} other qualities")
    jpeg, ring_jpeg, *jpegs, raw, preview = parts[:usual]
    if not (jpeg and all(jpegs) and all(parts[usual:])):
        raise ValueError("an empty picture or packet")
    packets = tuple([_packet(packet, data) for packet, data in zip(report.packets, parts[usual:], strict=True)])
    return Image(
        report.exposed_mono_s,
        report.captured_mono_s,
        report.mode,
        report.sensor,
        report.brightness,
        report.checksum,
        report.flat,
        report.quality,
        jpeg,
        ring_jpeg or None,
        dict(zip(report.qualities, jpegs, strict=True)),
        raw or None,
        preview or None,
        report.motion,
        packets,
    )


def _packet(told: PacketInSlot, data: bytes) -> Packet:
    sound = told.sound
    is_made = told.made and not sound
    facts = PacketFacts(pts_of(told.mono_s), told.track, sound, is_made=is_made, after_loss=told.after_loss)
    return Packet(told.mono_s, told.key and not sound, data, facts)
