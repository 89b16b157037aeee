"""The node's page in a browser, with error checks and time limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.chromium import Tab, browsing

LIVE = "document.querySelector('#veil').innerText === '' && document.querySelector('#picture').naturalWidth > 0"
STORY_S = 240.0


@asynccontextmanager
async def looking(url: str, folder: Path) -> AsyncIterator[Tab]:
    """Open the page; check at the end that no request left this host, no script failed and no policy was violated."""
    async with browsing(folder / "profile") as tab:
        await tab.look()
        await tab.go(url)
        try:
            yield tab
        except BaseException:
            await asyncio.to_thread((folder / "failed.png").write_bytes, await tab.screenshot())
            raise
        strangers = [asked for asked in tab.requests if not asked.startswith((f"{url}/", "blob:", "data:"))]
        assert strangers == []
        assert tab.requests
        assert tab.complaints == []


def run(what: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario to its end, or fail after `STORY_S`."""

    async def bounded() -> None:
        await asyncio.wait_for(what(), STORY_S)

    asyncio.run(bounded())
