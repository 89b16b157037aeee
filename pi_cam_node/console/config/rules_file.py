"""Writes the rules into ``console.yaml``; comments and formatting of everything else are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from pi_cam_node.base.errors import ConfigError, NotSaved
from pi_cam_node.config.writer import refuse_pipe
from pi_cam_node.console.config.list_block import flow, replace_file, with_items
from pi_cam_node.console.config.loader import load
from pi_cam_node.console.rules.models import Rule

KEY = "rules"


def write_rules(path: Path | None, rules: Sequence[Rule], expected: bytes | None) -> bytes:
    """Replace the rules in the file and return its new content; the old file is kept as ``.bak``.

    Thread: any, but one at a time.

    Args:
        path: The file that the console was started with.
        rules: The new rules, in order.
        expected: Content from which the rules in force were loaded; a file edited since is not overwritten.

    Raises:
        NotSaved: The file is unchanged; the message says why.
    """
    if path is None:
        raise NotSaved("the console was started without a file; start it with --config to keep rules")
    refuse_pipe(path)
    try:
        content = path.read_bytes() if path.exists() else b""
        _refuse_changed(path, content, expected)
        new = with_rules(content, path, rules)
        replace_file(path, content, new)
    except NotSaved:
        raise
    except OSError as error:
        raise NotSaved(f"{path}: {error.strerror}") from error
    return new


def _refuse_changed(path: Path, content: bytes, expected: bytes | None) -> None:
    if expected is not None and content != expected:
        raise NotSaved(f"{path} was changed by hand meanwhile; restart the console to read it, then try again")


def with_rules(content: bytes, path: Path, rules: Sequence[Rule]) -> bytes:
    """Return the content of a file with these rules in it.

    Raises:
        NotSaved: The new content does not read back as these rules.
    """
    by_hand = f"{path} is written in a way that cannot be changed safely; change it by hand"
    try:
        old = load(path, {}, content).rules
        new = with_items(content.decode("utf-8-sig"), KEY, (old, rules), _written)
        read_back = load(path, {}, new.encode()).rules
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise NotSaved(f"{by_hand}: {str(error).splitlines()[0]}") from error
    if read_back != tuple(rules):
        raise NotSaved(by_hand)
    return new.encode()


def _written(rule: Rule, indent: int) -> list[str]:
    """Return the lines of a rule; default values are left out."""
    plain: dict[str, Any] = rule.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    rows = [f"{key}: {flow(plain[key])}" for key in ("name", "when", "if") if key in plain]
    rows += ["do:", *(f"  - {flow(action)}" for action in plain["do"])]
    rows += [f"again_after: {flow(plain['again_after'])}"] if "again_after" in plain else []
    return [f"{' ' * indent}{'- ' if number == 0 else '  '}{row}\n" for number, row in enumerate(rows)]
