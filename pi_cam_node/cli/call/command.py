"""Command line of ``pi-cam-node call``.

The final message goes to stdout, everything else to stderr, so that scripts can use it.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base.atomic_files import replace_atomically
from pi_cam_node.base.control_characters import escaped, escaped_json
from pi_cam_node.base.errors import BadRequest, ConfigError
from pi_cam_node.cli.call import picture
from pi_cam_node.cli.call.picture import NoPicture
from pi_cam_node.cli.call.request import Reply, Request, ask, is_final, request_of
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.cli.main import BAD_USE
from pi_cam_node.cli.options import add_options, seconds_up_to
from pi_cam_node.cli.target import NO_ANSWER, NoSingleNode, find_nodes, target_of, topics_of
from pi_cam_node.core.commands.all import registry
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, connect
from pi_cam_node.mqtt.messages import topics as mqtt_topics
from pi_cam_node.mqtt.messages.topics import Topics

OK, REFUSED = 0, 1
# A save at night waits for two exposures, and a slow card for the disk.
TIMEOUT_S = 60.0
# A day. On 32 bits the system cannot wait for more than some weeks.
TIMEOUT_MAX_S = 86400.0
# What to do about a refusal whose message, part of the contract, does not say it.
HINTS = {
    "unknown_verb": "`help` lists the commands",
    "no_frames": "the memory does not reach back to that moment; ring.size, .max_seconds and .max_bytes bound it",
    "privacy_on": "`privacy off` ends it",
    "camera_down": "`pi-cam-node doctor` says why",
    "busy": "ask again in a moment",
    "no_space": "delete pictures, or raise storage.max_bytes or lower storage.min_free_bytes",
}
# The name that stands for stdout.
STDOUT = "-"


def main(arguments: Sequence[str]) -> int:
    """Send one command and print its reply; return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    try:
        request, target = request_of(options.verb, options.arguments), target_of(options)
        with connect(target.config.mqtt, mqtt_topics.topics_of(target.config), "call") as connection:
            return _call(connection, topics_of(target, connection), request, options)
    except ConfigError as error:
        return _print_error(str(error), BAD_USE)
    except NoSingleNode as error:
        return _print_error(str(error), error.code)
    except BadRequest as error:
        return _print_error(error.text, BAD_USE)
    except NoPicture as error:
        return _print_error(str(error), NO_ANSWER)
    except (NoBroker, PermissionError) as error:
        return _print_error(f"{error}; `pi-cam-node doctor` looks closer", NO_ANSWER)


def _call(connection: BlockingClient, topics: Topics, request: Request, options: argparse.Namespace) -> int:
    """Send the request, print the reply, and fetch its picture where ``-o`` asks for it; return the exit code."""
    if options.output:
        picture.subscribe(connection, topics)

    def is_not_there() -> bool:
        # A node that comes later does not get what was published before.
        return connection.retains and _availability(connection, topics) != "online"

    reply = ask(connection, topics, request, timeout_s=options.timeout, on_stage=_show_stage, is_hopeless=is_not_there)
    if reply is None or not is_final(reply):
        return _print_error(_explain_no_reply(connection, topics, reply, options.timeout), NO_ANSWER)
    code = show(reply, as_json=options.json, to_stderr=options.output == STDOUT)
    if code == OK and options.output:
        return _write(picture.fetch(connection, topics, reply, Path(options.output).suffix), options.output)
    return code


def _write(data: bytes, output: str) -> int:
    if output == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return OK
    path = Path(output)
    try:
        if path.exists() and not path.is_file():  # a device or a pipe
            path.write_bytes(data)
        else:  # nobody who reads the file meanwhile, such as a web server, gets half a picture
            replace_atomically(path, data, _mode_of(path))
    except OSError as error:
        return _print_error(f"{output} cannot be written: {error.strerror or error}", BAD_USE)
    return OK


def _mode_of(path: Path) -> int:
    """Return the rights that a file has, or that a new one gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask


def _file_name(text: str) -> str:
    """Parse ``-o``; what cannot be a file is refused before anything is saved for it."""
    path = Path(text)
    if text == STDOUT and sys.stdout.isatty():
        raise argparse.ArgumentTypeError("stdout is a terminal; name a file, or send the output to one")
    try:
        if not text or path.is_dir():
            raise argparse.ArgumentTypeError(f"found {text!a}, expected the name of a file")
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    except OSError as error:
        raise argparse.ArgumentTypeError(in_words(error)) from None
    return text


def parser() -> argparse.ArgumentParser:
    """Return the argument parser; its help lists the command registry."""
    known = "\n".join(f"  {c.usage:26} {c.summary}" for c in registry().values())
    made = argparse.ArgumentParser(
        prog="pi-cam-node call",
        usage="%(prog)s [options] verb [argument …]",
        description="Send a command to a node over MQTT and print its reply.",
        epilog=f"commands:\n{known}\n\nArguments are words, `name=value`, or one JSON object: `pastStack jpg at=2`.\n"
        "`help <command>` names those of a command.\n"
        "exit code: 0 done, 1 refused, or its reply could not be printed, 2 wrong use, 3 nobody answered, or the\n"
        "file for -o could not be fetched",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("verb", help="the command; see below")
    made.add_argument("arguments", nargs="*", help="its arguments")
    add_options(made)
    made.add_argument(
        "--timeout",
        type=seconds_up_to(TIMEOUT_MAX_S),
        default=TIMEOUT_S,
        metavar="S",
        help="seconds to wait (%(default)g)",
    )
    made.add_argument(
        "-o",
        "--output",
        type=_file_name,
        metavar="FILE",
        help="write the picture or clip that the command saves; - for stdout",
    )
    made.add_argument("--json", action="store_true", help="print the whole reply as JSON")
    return made


def _show_stage(reply: Reply) -> None:
    stage, message = reply.get("stage"), reply.get("message")
    print(escaped(str(stage) if stage == message else f"{stage}: {message}"), file=sys.stderr)


def show(reply: Reply, *, as_json: bool, to_stderr: bool = False) -> int:
    """Print a final reply and return the exit code."""
    is_ok = reply.get("ok") is True
    if not is_ok:
        print(escaped(f"refused: {reply.get('code')}{_hint(reply)}"), file=sys.stderr)
    text = escaped_json(json.dumps(reply, ensure_ascii=False)) if as_json else escaped(str(reply.get("message")))
    print(text, file=sys.stderr if to_stderr else sys.stdout)
    return OK if is_ok else REFUSED


def _hint(reply: Reply) -> str:
    """Return a suggestion of what could have been meant."""
    if nearest := reply.get("data", {}).get("nearest"):
        return f"; did you mean {nearest}?"
    hint = HINTS.get(str(reply.get("code")))
    return f"; {hint}" if hint else ""


def _explain_no_reply(connection: BlockingClient, topics: Topics, last: Reply | None, timeout_s: float) -> str:
    """Return why there is no final reply, as far as the broker's retained topics tell."""
    if last is not None:
        return f"{topics.node_id} took the command but has not finished within {timeout_s:g} s; --timeout waits longer"
    state = _availability(connection, topics)
    if state is None:
        known = ", ".join(find_nodes(connection, topics.base))
        others = f"--node takes {known}" if known else "it knows none at all"
        return f"nobody answered: the broker knows no node {topics.node_id}; {others}"
    if state == "online":
        return (
            f"nobody answered, though {topics.node_id} is online: may this login publish on {topics.cmd('#')}, and "
            "the node read it? `pi-cam-node doctor` tells"
        )
    return f"nobody answered: {topics.node_id} is offline"


def _availability(connection: BlockingClient, topics: Topics) -> str | None:
    return connection.retained([topics.availability]).get(topics.availability)


def _print_error(text: str, code: int) -> int:
    print(escaped(text), file=sys.stderr)
    return code
