"""Loads the fault tools beside the repository; tests are skipped without them."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from tests.support.broker import HOST
from tests.support.reliability.results import ROOT

FOLDER = ROOT.parent / "shared" / "tools" / "faults"


def load(name: str) -> ModuleType:
    """Return a tool as a module, e.g. ``faultproxy``; skip the test where it is not here."""
    path = FOLDER / f"{name}.py"
    if not path.exists():
        pytest.skip("the fault tools are not beside the repository")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


@contextmanager
def proxy_before(port: int) -> Iterator[Any]:
    """Run the fault proxy in front of a loopback port; it leaves neither tasks nor sockets behind."""
    with load("faultproxy").ProxyThread((HOST, port)) as proxy:
        yield proxy
    proxy.loop.run_until_complete(_end_everything())
    proxy.loop.close()


async def _end_everything() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # transports close one turn later
