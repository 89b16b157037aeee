"""Cameras of Frigate's ``config.yml``, and the go2rtc streams in it that their addresses may mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pi_cam_node.config.yaml_reader import MappingNode, Tree
from pi_cam_node.console.imports.camera_list import CameraList, NotTaken, items, section, source_of, text
from pi_cam_node.console.imports.go2rtc import stream_source

# Frigate's container reaches its own go2rtc there.
_RESTREAM = re.compile(r"rtsp://(?:127\.0\.0\.1|localhost):8554/([^/?#]+)(?:[?#].*)?")
# The input with most pixels first.
_ROLES = ("record", "detect", "audio")
_TAKEN = frozenset({"ffmpeg", "enabled", "friendly_name"})
_OFF = frozenset({"false", "off", "no", "n", "0"})


def cameras_of(root: MappingNode, environ: Mapping[str, str]) -> CameraList:
    """Return the cameras of Frigate's configuration, each by its input with role ``record``, else ``detect``."""
    found = CameraList("Frigate")
    streams = section(section(root.children.get("go2rtc")).get("streams"))
    for name, camera in section(root.children.get("cameras")).items():
        keys = section(camera)
        try:
            source = _source(name, keys, streams, environ, found.notes)
            found.add(name, source, text(keys.get("friendly_name")))
        except NotTaken as error:
            found.notes.append(f"{name}: not taken: {error}")
            continue
        _tell_left_out(name, keys, found.notes)
    others = [key for key in root.children if key not in ("cameras", "go2rtc")]
    if others:
        found.notes.append(f"not taken, no part of a camera list: {', '.join(others)}")
    return found


def _source(
    name: str, keys: Mapping[str, Tree], streams: Mapping[str, Tree], environ: Mapping[str, str], notes: list[str]
) -> str:
    if text(keys.get("enabled")).lower() in _OFF:
        raise NotTaken("it is not enabled")
    inputs = [section(item) for item in items(section(keys.get("ffmpeg")).get("inputs"))]
    if not inputs:
        raise NotTaken("it has no ffmpeg.inputs")
    roles = [{text(role) for role in items(each.get("roles"))} for each in inputs]
    best = min(range(len(inputs)), key=lambda at: _rank(roles[at]))
    chosen = inputs[best]
    if len(inputs) > 1:
        role = next((each for each in _ROLES if each in roles[best]), "no role")
        notes.append(f"{name}: taken is input {best + 1} of {len(inputs)} ({role}); a node reads one")
    if "input_args" in chosen:
        notes.append(f"{name}: input_args not taken: no setting of a node is an option of ffmpeg")
    address = text(chosen.get("path"))
    restream = _RESTREAM.fullmatch(address)
    if restream is None:
        return source_of(address, environ)
    if restream[1] not in streams:
        raise NotTaken(f"its address is that of go2rtc's stream {restream[1]}, which is not in this file")
    return stream_source(name, streams[restream[1]], environ, notes)


def _rank(roles: set[str]) -> int:
    return next((rank for rank, role in enumerate(_ROLES) if role in roles), len(_ROLES))


def _tell_left_out(name: str, keys: Mapping[str, Tree], notes: list[str]) -> None:
    if "mask" in section(keys.get("motion")):
        notes.append(
            f"{name}: motion.mask not taken: it hides nothing in the picture; draw it again under motion.ignore"
        )
    left_out = [key for key in keys if key not in _TAKEN]
    if left_out:
        notes.append(f"{name}: no part of a camera list, set it on the node's page: {', '.join(left_out)}")
