"""Defers imports that libraries make for features this program does not use.

pydantic imports `importlib.metadata` to look for plugins, paho-mqtt `urllib.request` to look for proxies, and numpy
`pickle` and its own linear algebra. The first two import modules for e-mail, zip and HTTP: 2.5 MB of the node's memory,
and a tenth of its import time.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def deferred(name: str) -> Iterator[None]:
    """Replace a module imported within the ``with`` block by a proxy, which imports it at the first call.

    The proxy provides functions only, of any name. A module that is imported already is not replaced. Thread: the main
    thread, before there are others.

    Args:
        name: A module of which the libraries use functions only. Its package is imported.
    """
    if name in sys.modules:
        yield
        return
    package, _, own = name.rpartition(".")
    module = sys.modules[name] = _Deferred(name)
    if package:
        setattr(importlib.import_module(package), own, module)
    try:
        yield
    finally:
        if sys.modules.get(name) is module:  # later imports get the real module
            del sys.modules[name]


class _Deferred(ModuleType):
    """Proxy for a module that is not imported yet."""

    def __getattr__(self, function: str) -> Callable[..., object]:
        if function.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {function!r}")

        def call(*args: object, **named: object) -> object:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            called: object = getattr(importlib.import_module(self.__name__), function)(*args, **named)
            return called

        return call
