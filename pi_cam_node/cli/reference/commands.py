"""The reference of the commands, from the registry that carries them out."""

from __future__ import annotations

from typing import Any

from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.registry import Command

_HEAD = """\
# Commands

<!-- Written by `pi-cam-node docs --write` from the registry in `pi_cam_node/core/commands`. -->

A command is published to `<base>/<node>/cmd/<verb>`, never retained, with its arguments as plain text, as a JSON
object, or empty. `<base>/<node>/cmd` takes a whole line in the plain-text form, `<base>/<node>/set/<key>` the value of a
setting, `<base>/all/cmd/<verb>` and `<base>/group/<name>/cmd/<verb>` the same for several nodes. `pi-cam-node call <verb> …`
does it from a shell and prints the reply.

In JSON two more fields are understood by every command:

* `id`: your name for the request. The reply bears it; the last 256 are remembered, and a repeated one gets the stored reply
  and does nothing twice.
* `expires`: ISO 8601 or seconds since the epoch. A command that comes later is answered `expired`.

Each command gets exactly one reply with `"stage":"final"` on `<base>/<node>/reply/<verb>`, or on the response topic of an
MQTT 5 request, with its correlation data. Two bounds: of a flood, commands that find 10 000 waiting are not taken in (`messages_refused` in
telemetry, and the log), and while the broker is away the newest 100 replies and events are kept. Work of more than 300 ms is announced by `accepted`, and may tell its `progress`.

```json
{"id":"a1","verb":"health","ok":true,"code":"ok","message":"RSS=61.5MiB SWAP=0.0%","data":{},"stage":"final",
 "received":"2026-11-20T19:45:01.123Z","took_ms":1.2,"node":"porch","boot":"3f2a91c0"}
```

`message` is for people and for scripts that match it, `data` holds the same facts typed, and `code` is one of the list at the end.
"""

_CODES = """\
## Codes

| code | meaning |
|---|---|
| `ok` | done |
| `bad_request` | cannot be understood: not UTF-8, not JSON, unknown arguments, more than 64 KiB |
| `unknown_verb` | there is no such command |
| `unknown_key` | there is no such setting; `data.nearest` may name one |
| `out_of_range` | the value is of the wrong type, or outside its range or choices |
| `read_only` | the setting is read at start |
| `busy` | too much work is waiting, or the pictures that wait to be saved fill the memory, or the node is stopping |
| `no_frames` | the ring holds no frame of that moment |
| `camera_down` | no frames arrive |
| `no_space` | the disk is full, or what must stay free would be touched |
| `not_saved` | the file could not be written |
| `timeout` | no fresh frame came, or the work took too long |
| `expired` | the command came after its `expires` |
| `retained` | the command was a retained message |
| `forbidden` | the broker refuses the node a topic (on `state/last_error`) |
| `internal` | a bug; the log has the traceback |
| `privacy_on` | privacy is on: no picture is made, kept or shown |
"""


def reference() -> str:
    """Return ``docs/commands.md``."""
    return "\n".join([_HEAD, *(_section(command) for command in registry().values()), _CODES])


def _section(command: Command) -> str:
    schema: dict[str, Any] = command.arguments.model_json_schema()
    rows = [_row(name, body) for name, body in schema.get("properties", {}).items()]
    table = ["", "| JSON field | values | meaning |", "|---|---|---|", *rows] if rows else []
    needs = " Needs the camera." if command.needs_camera else ""
    return "\n".join([f"## `{command.usage}`", "", command.summary + needs, *table]) + "\n"


def _row(name: str, body: dict[str, Any]) -> str:
    return f"| `{name}` | {_values(body) or 'any value'} | {body.get('description', '')} |"


def _values(body: dict[str, Any]) -> str:
    """Return what a field may be, in words."""
    if "anyOf" in body:
        return ", or ".join(_values(choice) for choice in body["anyOf"] if choice.get("type") != "null")
    if "enum" in body:
        return ", ".join(f"`{value}`" for value in body["enum"])
    if body.get("type") == "array":
        return f"a list of {_values(body['items'])}"
    words = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}
    limits = [f"{word} {body[key]}" for key, word in _LIMITS.items() if key in body]
    return " ".join([words.get(body.get("type", ""), ""), *limits]).strip()


_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
