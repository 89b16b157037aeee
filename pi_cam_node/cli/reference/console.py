"""``console.yaml``, from the models that check it."""

from __future__ import annotations

from pi_cam_node.cli.reference.settings import section_lines
from pi_cam_node.config.layers import variable
from pi_cam_node.console.config import CONSOLE_SCHEMA, ConsoleConfig

_HEAD = """\
# The settings of the console, `pi-cam-node console`, each with its default. A line may be left out; the default holds then.
# Written by `pi-cam-node docs --write` from the models that check it.
#
# Everything is read at start, but rules that are made on the page are in force at once and written in here, with comments kept.
# A relative path starts at the folder of this file.
# A variable of the environment wins over the file: {example} is mqtt.host.
# `pi-cam-node console --check` names every fault at once.
"""

_LISTS = """\
# Cameras on this machine: the console runs a node for each, with a folder below `console.base_dir` and a port of its own.
# `pi-cam-node import` takes them over from go2rtc, Frigate or motionEye. An address with a login is better in a file of its own.
cameras: []
#  - {id: gate, source: 'rtsp://192.0.2.7/stream', name: Gate}
#  - {id: yard, source_file: camera-sources/yard}

# Rules: when this happens, and that holds, do those things; at most once in `again_after` seconds (60).
#   when: {sensor: <key>, becomes: open | closed | on | off}, or {camera: <node>, event: motion_started, zone: <name>}
#   if: {mode: home | away, between: ['22:00', '06:00']}, in local time
#   do: {past: <node>, at: <seconds ago>}, {save: <node>}, {clip: <node>, before_s: <s>}, {push: [<accounts>], text: <words>}
rules: []
#  - name: Front door
#    when: {sensor: front_door, becomes: open}
#    if: {mode: away}
#    do:
#      - {past: porch, at: 2}
#      - {push: [anna], text: The front door is open}
#    again_after: 60
"""


def config_file() -> str:
    """Return ``console.yaml``: every setting with its default."""
    head = _HEAD.format(example=variable("mqtt.host", CONSOLE_SCHEMA.environment_prefix))
    # Marked for the node; the console reads everything at start.
    lines = [line.replace(" Live.", "") for line in section_lines(ConsoleConfig)]
    return "\n".join([head, *lines, _LISTS])
