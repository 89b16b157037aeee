"""Streams of ``go2rtc.yaml``: ``streams: {name: address}`` or a list of addresses for each."""

from __future__ import annotations

from collections.abc import Mapping

from pi_cam_node.config.yaml_reader import MappingNode, Tree
from pi_cam_node.console.imports.camera_list import CameraList, NotTaken, items, section, source_of, text


def cameras_of(root: MappingNode, environ: Mapping[str, str]) -> CameraList:
    """Return the cameras of a ``go2rtc.yaml``, each by the first address of its stream that a node can read."""
    found = CameraList("go2rtc")
    for name, stream in section(root.children.get("streams")).items():
        try:
            found.add(name, stream_source(name, stream, environ, found.notes))
        except NotTaken as error:
            found.notes.append(f"{name}: not taken: {error}")
    others = [key for key in root.children if key != "streams"]
    if others:
        found.notes.append(f"not taken, no part of a camera list: {', '.join(others)}")
    return found


def stream_source(name: str, stream: Tree, environ: Mapping[str, str], notes: list[str]) -> str:
    """Return `camera.source` of a stream: its first address that a node can read; the others are listed in ``notes``.

    Raises:
        NotTaken: There is none; the text says why for each address.
    """
    source, refused, spare = "", list[str](), 0
    for number, item in enumerate(items(stream), 1):
        # go2rtc's own options follow a #, such as #backchannel=0.
        address, _, options = text(item).partition("#")
        if source:
            spare += 1
            continue
        try:
            source = source_of(address, environ)
        except NotTaken as error:
            refused.append(f"address {number}: {error}")
        else:
            notes.extend([f"{name}: go2rtc's options behind # are left out"] if options else [])
    if not source:
        raise NotTaken("; ".join(refused) or "it has no address")
    notes.extend(f"{name}: {why}" for why in refused)
    if spare:
        notes.append(f"{name}: {spare} more address{'es' * (spare > 1)} not taken; a node reads one")
    return source
