"""Command line of ``pi-cam-node call``.

The final message goes to stdout, everything else to stderr, so that scripts can use it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pi_cam_node.base.errors import BadRequest, ConfigError
from pi_cam_node.cli.call.request import Reply, ask, find_nodes, is_final, request_of
from pi_cam_node.config import Config, loader
from pi_cam_node.config.sections.node import NODE_ID_FORM, NODE_ID_PATTERN
from pi_cam_node.core.commands.all import registry
from pi_cam_node.mqtt.blocking_client import BlockingClient, NoBroker, connect
from pi_cam_node.mqtt.topics import Topics

OK, REFUSED, BAD_USE, UNANSWERED = 0, 1, 2, 3
# A save at night waits for two exposures, and a slow card for the disk.
TIMEOUT_S = 60.0
# A day. On 32 bits the system cannot wait for more than some weeks.
TIMEOUT_MAX_S = 86400.0


@dataclass(frozen=True, slots=True)
class Target:
    """The broker and the node to send to.

    Attributes:
        config: The settings of broker and topics.
        node_id: The id of the node; empty for the only one that the broker knows.
    """

    config: Config
    node_id: str


class NoSingleNode(LookupError):
    """No node was named, and the broker knows none or more than one.

    Attributes:
        code: The exit code.
    """

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.code = code


def main(arguments: Sequence[str]) -> int:
    """Send one command and print its reply; return the exit code."""
    options = parser().parse_intermixed_args(arguments)
    try:
        request, target = request_of(options.verb, " ".join(options.arguments)), target_of(options)
        with connect(target.config.mqtt) as connection:
            topics = topics_of(target, connection)
            reply = ask(connection, topics, request, timeout_s=options.timeout, on_stage=_show_stage)
            if reply is not None and is_final(reply):
                return show(reply, as_json=options.json)
            return _print_error(_explain_no_reply(connection, topics, reply, options.timeout), UNANSWERED)
    except ConfigError as error:
        return _print_error(str(error), BAD_USE)
    except NoSingleNode as error:
        return _print_error(str(error), error.code)
    except BadRequest as error:
        return _print_error(error.text, BAD_USE)
    except (NoBroker, PermissionError) as error:
        return _print_error(f"{error}; `pi-cam-node doctor` looks closer", UNANSWERED)


def parser() -> argparse.ArgumentParser:
    """Return the argument parser; its help lists the command registry."""
    known = "\n".join(f"  {c.usage:26} {c.summary}" for c in registry().values())
    made = argparse.ArgumentParser(
        prog="pi-cam-node call",
        usage="%(prog)s [options] verb [argument …]",
        description="Send a command to a node over MQTT and print its reply.",
        epilog=f"commands:\n{known}\n\nArguments are words, or one JSON object such as '{{\"at\":2}}'.\n"
        "exit code: 0 done, 1 refused, 2 wrong use, 3 nobody answered",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("verb", help="the command; see below")
    made.add_argument("arguments", nargs="*", help="its arguments")
    made.add_argument("--config", type=Path, metavar="FILE", help="take broker and node from this configuration file")
    made.add_argument("--host", help="the broker (default: localhost)")
    made.add_argument("--port", type=int, help="its port (default: 1883)")
    made.add_argument("--username", help="login name at the broker")
    made.add_argument("--password-file", type=Path, metavar="FILE", help="a file whose first line is the password")
    made.add_argument("--node", type=_node_id, help="id of the node (default: the only one that the broker knows)")
    made.add_argument("--base-topic", help="first part of its topics (default: pi_cam_node)")
    made.add_argument("--timeout", type=_seconds, default=TIMEOUT_S, metavar="S", help="seconds to wait (%(default)g)")
    made.add_argument("--json", action="store_true", help="print the whole reply as JSON")
    return made


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= TIMEOUT_MAX_S:  # not a number is not in there either
        raise argparse.ArgumentTypeError(f"found {text!a}, expected over 0 to {TIMEOUT_MAX_S:.0f} seconds")
    return seconds


def _node_id(text: str) -> str:
    if text and not re.fullmatch(NODE_ID_PATTERN, text):
        raise argparse.ArgumentTypeError(f"found {text!a}, expected {NODE_ID_FORM}")
    return text


def target_of(options: argparse.Namespace) -> Target:
    """Return broker and node from the options, else the configuration file, else the environment.

    Raises:
        ConfigError: A setting is wrong.
    """
    environ = dict(os.environ)
    for key, value in (
        ("HOST", options.host),
        ("PORT", options.port),
        ("USERNAME", options.username),
        ("PASSWORD_FILE", options.password_file and options.password_file.absolute()),
        ("BASE_TOPIC", options.base_topic),
    ):
        if value is not None:
            environ[f"PI_CAM_NODE__MQTT__{key}"] = str(value)
    if options.password_file is not None:
        environ.pop("PI_CAM_NODE__MQTT__PASSWORD", None)
    config = loader.load(options.config, environ).config
    return Target(config, options.node or _named_node(config, options.config))


def _named_node(config: Config, file: Path | None) -> str:
    """Return the node id of a file or the environment; the default, our host name, counts only with a file."""
    return config.node.id if file is not None or "id" in config.node.model_fields_set else ""


def topics_of(target: Target, connection: BlockingClient) -> Topics:
    """Return the topics of the node to send to.

    Raises:
        NoSingleNode: No node was named, and the broker does not know exactly one.
        NoBroker: The connection broke.
    """
    config, base = target.config, target.config.mqtt.base_topic
    node_id = target.node_id or _only_node(find_nodes(connection, base), base)
    return Topics(base, node_id, (), config.homeassistant.discovery_prefix, config.homeassistant.birth_topic)


def _only_node(nodes: dict[str, bool], base: str) -> str:
    online = [node_id for node_id, is_online in nodes.items() if is_online]
    candidates = online or list(nodes)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise NoSingleNode(f"the broker knows no node below {base}/; is one running?", UNANSWERED)
    raise NoSingleNode(f"which node? --node {' or --node '.join(candidates)}", BAD_USE)


def _show_stage(reply: Reply) -> None:
    stage, message = reply.get("stage"), reply.get("message")
    print(stage if stage == message else f"{stage}: {message}", file=sys.stderr)


def show(reply: Reply, *, as_json: bool) -> int:
    """Print a final reply and return the exit code."""
    is_ok = reply.get("ok") is True
    if not is_ok:
        print(f"refused: {reply.get('code')}{_hint(reply)}", file=sys.stderr)
    print(json.dumps(reply, ensure_ascii=False) if as_json else reply.get("message"))
    return OK if is_ok else REFUSED


def _hint(reply: Reply) -> str:
    """Return a suggestion of what could have been meant."""
    if nearest := reply.get("data", {}).get("nearest"):
        return f"; did you mean {nearest}?"
    return "; `help` lists the commands" if reply.get("code") == "unknown_verb" else ""


def _explain_no_reply(connection: BlockingClient, topics: Topics, last: Reply | None, timeout_s: float) -> str:
    """Return why there is no final reply, as far as the broker's retained topics tell."""
    if last is not None:
        return f"{topics.node_id} took the command but has not finished within {timeout_s:g} s; --timeout waits longer"
    state = connection.retained([topics.availability]).get(topics.availability)
    if state is None:
        known = ", ".join(find_nodes(connection, topics.base)) or "none"
        return f"nobody answered: the broker knows no node {topics.node_id}; known: {known}"
    if state == "online":
        return (
            f"nobody answered, though {topics.node_id} is online: may this login publish on {topics.cmd('#')}, and "
            "the node read it? `pi-cam-node doctor` tells"
        )
    return f"nobody answered: {topics.node_id} is offline"


def _print_error(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code
