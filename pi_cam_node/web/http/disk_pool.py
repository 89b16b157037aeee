"""Thread pool for disk reads of the server; bounded, so that a hung disk cannot use up threads.

They are apart from those that encode, so that a disk that hangs, for ever perhaps, takes neither the live view
nor the state along.
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
# To find, open or read a piece of a file: a hundred times what a worn card needs.
READ_S = 3.0

Given = ParamSpec("Given")
Found = TypeVar("Found")


class DiskPool:
    """Thread pool for work on the disk. Thread: the web server's.

    Args:
        name: What the threads are called.
        threads: How many there are.
        deadline_s: How long the work may take, waiting for a thread included.
    """

    def __init__(self, name: str, threads: int, deadline_s: float) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._threads = threads
        self._deadline_s = deadline_s
        self._hanging: set[Future[Any]] = set()

    async def run(self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
        """Return what some work on the disk returns; raises what that raises.

        Raises:
            Busy: Every thread hangs already.
            DeadlinePassed: The disk did not answer in time.
        """
        self._hanging = {job for job in self._hanging if not job.done()}
        if len(self._hanging) >= self._threads:
            raise Busy("the disk does not answer")
        job = self._pool.submit(work, *args, **kwargs)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), self._deadline_s)
        except TimeoutError:  # ours, or that of a disk at the other end of a network
            raise DeadlinePassed("the disk did not answer in time") from None
        finally:
            if not job.done():  # late, or the client has gone; nothing ends a read that hangs
                self._hanging.add(job)

    def close(self) -> None:
        """Shut the pool down without waiting for threads that hang."""
        self._pool.shutdown(wait=False, cancel_futures=True)


DISK = app_key("disk", DiskPool)


def attach(app: web.Application, key: web.AppKey[DiskPool] = DISK, pool: DiskPool | None = None) -> None:
    """Attach a pool, new unless given, to an application under a key (`DISK`), and close it at the end of that."""
    kept = app[key] = pool or DiskPool("http-disk", READERS, READ_S)

    async def close(_app: web.Application) -> None:
        kept.close()

    app.on_cleanup.append(close)
