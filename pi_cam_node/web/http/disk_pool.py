"""Thread pool for disk reads of the server; bounded, so that a hung disk cannot use up threads.

Separate from encoding threads, so that a disk that hangs, perhaps for ever, blocks neither live view nor state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from aiohttp import web

from pi_cam_node.base.errors import Busy, DeadlinePassed
from pi_cam_node.web.http.routes import app_key

READERS = 4
# To find, open or read a piece of a file; a hundred times what a worn SD card needs.
READ_S = 3.0

Given = ParamSpec("Given")
Found = TypeVar("Found")


class DiskPool:
    """Thread pool for work on the disk. Thread: the web server's.

    Args:
        name: Name of the threads.
        threads: Number of threads.
        deadline_s: Deadline of a job, including the wait for a thread.
    """

    def __init__(self, name: str, threads: int, deadline_s: float) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._threads = threads
        self._deadline_s = deadline_s
        self._hanging: set[Future[Any]] = set()

    async def run(self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
        """Run a function in the pool; return its result or raise its exception.

        Raises:
            Busy: Every thread hangs.
            DeadlinePassed: The disk did not respond in time.
        """
        self._hanging = {job for job in self._hanging if not job.done()}
        if len(self._hanging) >= self._threads:
            raise Busy("the disk does not answer")
        job = self._pool.submit(work, *args, **kwargs)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), self._deadline_s)
        except TimeoutError:  # the deadline, or a timeout of a network file system
            raise DeadlinePassed("the disk did not answer in time") from None
        finally:
            if not job.done():  # a read that hangs cannot be cancelled
                self._hanging.add(job)

    def close(self) -> None:
        """Shut the pool down without waiting for threads that hang."""
        self._pool.shutdown(wait=False, cancel_futures=True)


DISK = app_key("disk", DiskPool)


def attach(app: web.Application, key: web.AppKey[DiskPool] = DISK, pool: DiskPool | None = None) -> None:
    """Attach a pool to an application under a key (default `DISK`); closed when the application shuts down."""
    kept = app[key] = pool or DiskPool("http-disk", READERS, READ_S)

    async def close(_app: web.Application) -> None:
        kept.close()

    app.on_cleanup.append(close)
