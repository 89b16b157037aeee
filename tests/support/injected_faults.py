"""A file system whose n-th call fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

from pytest_mock import MockerFixture

CALLS = ("open", "write", "fsync", "link", "replace", "rename", "unlink", "mkdir")


class FaultyCalls:
    """Wraps calls that change files; counts them, and makes one of them fail.

    Attributes:
        made: Names of the calls made, in order.
        fail_at: Index in `made` of the failing call; ``None``: none fails.
    """

    def __init__(self, mocker: MockerFixture, errno: int) -> None:
        self.made: list[str] = []
        self.fail_at: int | None = None
        self._errno = errno
        for name in CALLS:
            mocker.patch.object(os, name, self._wrapped(name, getattr(os, name)))

    def failing_one_by_one(self, attempt: Callable[[], object]) -> Iterator[tuple[list[str], OSError]]:
        """Repeat an attempt, failing its next call each time, until it has no further call.

        Yields the successful calls before the failed one, and the exception.
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
