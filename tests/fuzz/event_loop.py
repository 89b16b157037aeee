"""Event loop for fuzzing targets: work for threads is executed immediately in the loop's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Inline(ThreadPoolExecutor):
    """Executor that runs a function before `submit` returns."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def new_loop(failures: list[BaseException]) -> asyncio.AbstractEventLoop:
    """Return a loop that keeps uncaught exceptions."""
    loop = asyncio.new_event_loop()
    loop.set_default_executor(Inline(1))

    def keep(_loop: object, context: dict[str, Any]) -> None:
        failures.append(context.get("exception") or RuntimeError(context["message"]))

    loop.set_exception_handler(keep)
    return loop


async def turns(count: int) -> None:
    """Run the loop for ``count`` turns."""
    for _ in range(count):
        await asyncio.sleep(0)
