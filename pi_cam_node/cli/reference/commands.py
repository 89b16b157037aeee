"""``docs/commands.md``: the commands, from their registry."""

from __future__ import annotations

from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.commands.argument_help import argument_help
from pi_cam_node.core.commands.registry import Command

_HEAD = """\
# Commands

<!-- Written by `pi-cam-node docs --write` from the registry in `pi_cam_node/core/commands`. -->

A command is published to `<base>/<node>/cmd/<verb>`, never retained, with its arguments as plain text, as a JSON
object, or empty. `<base>/<node>/cmd` takes a whole line in the plain-text form, `<base>/<node>/set/<key>` the value of a
setting, `<base>/all/cmd/<verb>` and `<base>/group/<name>/cmd/<verb>` the same for several nodes. `pi-cam-node call <verb> …`
does it from a shell and prints the reply. Seconds may have a unit (`30 s`, `"1 min"`), choices any case; `PRESS`, `ON`, `true` and a time stamp, as
buttons send them, count as no arguments where none are needed.

In JSON two more fields are understood by every command:

* `id`: names the request, and is in its reply; the last 256 are remembered. A repeat (the same id, command, arguments
  and sender within ten minutes) gets the stored reply and does nothing twice; the same id on anything else is `bad_request`.
* `expires`: ISO 8601, or seconds or milliseconds since the epoch. A command that comes later is answered `expired`.

Each command gets exactly one reply with `"stage":"final"` on `<base>/<node>/reply/<verb>`, or on the response topic of an
MQTT 5 request, with its correlation data. Two limits: while 10 000 commands wait, further ones are dropped (`messages_refused` in
telemetry, and the log); and while the broker is unreachable the newest 100 replies and 1,000 events are kept. Work of more than 300 ms is announced by `accepted`, and may tell its `progress`.

```json
{"id":"a1","verb":"health","ok":true,"code":"ok","message":"RSS=61.5MiB SWAP=0.0%","data":{},"stage":"final",
 "received":"2026-11-20T19:45:01.123Z","took_ms":1.2,"node":"porch","boot":"3f2a91c0"}
```

`message` is for people, and for scripts that match its text; `data` has the same facts as JSON values; `code` is one of the list at the end.
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
| `forbidden` | a `ticket` without a response topic, a kept picture that is to be deleted, or, on `state/last_error`, a topic that the broker refuses |
| `internal` | a bug; the log has the traceback |
| `privacy_on` | privacy is on: no picture is made, kept or shown |
"""


def reference() -> str:
    """Return ``docs/commands.md``."""
    return "\n".join([_HEAD, *(_section(command) for command in registry().values()), _CODES])


def _section(command: Command) -> str:
    rows = [f"| `{a.name}` | {a.values or 'any value'} | {a.meaning} |" for a in argument_help(command.arguments)]
    table = ["", "| JSON field | values | meaning |", "|---|---|---|", *rows] if rows else []
    needs = " Needs the camera." if command.needs_camera else ""
    return "\n".join([f"## `{command.usage}`", "", command.summary + needs, *table]) + "\n"
