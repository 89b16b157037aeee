"""Check of the database of events, without opening it: SQLite would leave files beside it that are of this user."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from pi_cam_node.base.database_check import newer_version
from pi_cam_node.base.file_system import network_file_system
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.storage.events import schema

EVENTS = "events"


def check_events(path: Path | None) -> Finding:
    """Report whether the node can store its events in a database; ``None``: it has no file for one."""
    if path is None:
        return warning(EVENTS, "without a configuration file they are kept in memory only", "name one: --config")
    if kind := network_file_system(path.parent):
        return warning(
            EVENTS,
            f"{path.parent} is on a network file system ({kind}), so they are kept in memory only",
            "keep settings and state on a local disk",
        )
    try:
        version = schema.version_in(path)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        if not os.access(path.parent, os.W_OK):
            return failed(EVENTS, f"{path} cannot be made", f"let the user that runs the node write into {path.parent}")
        return ok(EVENTS, f"{path} will be made")
    except OSError as error:
        advice = "give it to the user that runs the node, or run doctor as that user"
        return failed(EVENTS, f"{path} cannot be used: {error.strerror or error}", advice)
    return _judge_version(path, version)


def _judge_version(path: Path, version: int | None) -> Finding:
    if version is None:
        return warning(EVENTS, f"{path} is damaged", "the node replaces it, and lists the events of films again")
    if version > schema.VERSION:
        text, _, advice = newer_version(path, version, schema.VERSION).rpartition(": ")
        return failed(EVENTS, f"{text}: they are kept in memory only", advice)
    return ok(EVENTS, str(path))
