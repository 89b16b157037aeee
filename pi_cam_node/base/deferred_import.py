"""Defers the import of modules that libraries import for what this program never asks of them.

pydantic brings `importlib.metadata` to look for plugins, paho-mqtt `urllib.request` to look for proxies, and numpy
`pickle` and its own linear algebra. The first two bring e-mail, zip files and HTTP: 2.5 MB of the node's memory, and a
tenth of the time that its imports take.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def deferred(name: str) -> Iterator[None]:
    """Have imports of a module within the ``with`` block get a stand-in, which imports the module at the first call.

    The stand-in has functions alone, of any name. A module that is imported already is left alone.
    Thread: the main thread, before there are others.

    Args:
        name: A module of which the libraries that want it use functions alone. Its package is imported.
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
        if sys.modules.get(name) is module:  # the next who imports it gets it as it is
            del sys.modules[name]


class _Deferred(ModuleType):
    """Stands for a module that is not imported yet."""

    def __getattr__(self, function: str) -> Callable[..., object]:
        if function.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {function!r}")

        def call(*args: object, **named: object) -> object:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            called: object = getattr(importlib.import_module(self.__name__), function)(*args, **named)
            return called

        return call
