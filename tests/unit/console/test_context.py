"""State that the console's request handlers share: its thread."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.rules.models import Rule


def test_rules_are_replaced_on_the_loop_that_fires_them(tmp_path: Path) -> None:
    """Replaced by another thread, a rule could fire again before its pause was over."""
    replaced: list[tuple[list[Rule], int]] = []
    engine = SimpleNamespace(replace=lambda rules: replaced.append((rules, threading.get_ident())))
    context: Any = SimpleNamespace(path=tmp_path / "console.yaml", file_content=None, engine=engine)
    rule = Rule.model_validate({"when": {"sensor": "door", "becomes": "open"}, "do": [{"save": "porch"}]})
    asyncio.run(ConsoleContext.save_rules(context, [rule]))
    assert replaced == [([rule], threading.get_ident())]
    assert context.file_content == context.path.read_bytes()
