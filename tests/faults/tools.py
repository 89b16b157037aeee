"""The fault tools beside the repository: loaded where they are, a reason to skip where they are not."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from tests.faults.results import ROOT

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
