"""Changes that open pages are told."""

from __future__ import annotations

import asyncio

from pi_cam_node.console.changes import PARTS_MAX, Changes


def test_a_page_that_takes_nothing_has_each_part_once_and_a_bounded_number() -> None:
    async def run() -> None:
        changes = Changes()
        with changes.listen() as page:
            for part in ("events", "mode", "events"):
                changes.tell(part)
            assert await page.next(30) == ["events", "mode"]
            assert await page.next(0.01) == []
            for number in range(10 * PARTS_MAX):
                changes.tell(f"node-{number}")
            assert len(await page.next(30)) == PARTS_MAX

    asyncio.run(run())
