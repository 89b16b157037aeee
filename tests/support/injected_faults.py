"""A file system whose n-th call fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

from pytest_mock import MockerFixture

CALLS = ("open", "write", "fsync", "link", "replace", "rename", "unlink", "mkdir")


class FaultyCalls:
    """Wraps the calls that change files; counts them, and lets one of them fail.

    Attributes:
        made: Names of the calls made, in order.
        fail_at: Position in `made` of the one that fails; ``None``: none does.
    """

    def __init__(self, mocker: MockerFixture, errno: int) -> None:
        self.made: list[str] = []
        self.fail_at: int | None = None
        self._errno = errno
        for name in CALLS:
            mocker.patch.object(os, name, self._wrapped(name, getattr(os, name)))

    def failing_one_by_one(self, attempt: Callable[[], object]) -> Iterator[tuple[list[str], OSError]]:
        """Attempt something again and again, each time failing its next call, until no call is left to fail.

        Yields the calls that went well before the one that failed, and what was raised.
        """
        for position in itertools.count():
            self.made.clear()
            self.fail_at = position
            try:
                attempt()
            except OSError as error:
                yield self.made[:position], error
            else:
                self.fail_at = None
                return

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.made.append(name)
            if len(self.made) - 1 == self.fail_at:
                raise OSError(self._errno, os.strerror(self._errno))
            return real(*args, **options)

        return call
