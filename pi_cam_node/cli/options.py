"""Options of several subcommands: broker, node and seconds. Imports nothing that a broken installation lacks."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path


def add_options(
    parser: argparse.ArgumentParser,
    file_help: str = "take broker and node from this configuration file",
    host_default: str = "that of the settings, else localhost",
    node_default: str = "that of --config, else the only one that the broker knows",
) -> None:
    """Add the options that name configuration file, broker and node.

    Args:
        parser: Where to.
        file_help: What ``--config`` is for.
        host_default: What is taken without ``--host``.
        node_default: What is taken without ``--node``.
    """
    parser.add_argument("--config", type=file_path, metavar="FILE", help=file_help)
    parser.add_argument("--host", help=f"the broker (default: {host_default})")
    parser.add_argument("--port", type=int, help="its port (default: 1883)")
    parser.add_argument("--username", help="login name at the broker")
    parser.add_argument(
        "--password-file", type=file_path, metavar="FILE", help="a file whose first line is the password"
    )
    parser.add_argument("--node", type=_node_id, help=f"id of the node (default: {node_default})")
    parser.add_argument("--base-topic", help="first part of its topics (default: pi_cam_node)")


def file_path(text: str) -> Path:
    """Parse a path. An empty one, as of a variable of a shell that is not set, does not mean the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("found '', expected a path")
    return Path(text)


def _node_id(text: str) -> str:
    from pi_cam_node.config.sections.node import NODE_ID_FORM, NODE_ID_PATTERN  # noqa: PLC0415 - see the top

    if text and not re.fullmatch(NODE_ID_PATTERN, text):
        raise argparse.ArgumentTypeError(f"found {text!a}, expected {NODE_ID_FORM}")
    return text


def seconds_up_to(most_s: float) -> Callable[[str], float]:
    """Return a parser of an option's number of seconds, more than 0 and at most ``most_s``."""

    def parsed(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= most_s:  # also refuses NaN
            raise argparse.ArgumentTypeError(f"found {text!a}, expected over 0 to {most_s:.0f} seconds")
        return seconds

    return parsed


def environment_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the options in it, as variables that win over the configuration file."""
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
    if options.node:
        environ["PI_CAM_NODE__NODE__ID"] = options.node
    return environ
