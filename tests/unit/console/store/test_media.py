"""Rows of pictures and films, and removal of deleted ones."""

from __future__ import annotations

import sqlite3

from pi_cam_node.console.store import media
from pi_cam_node.console.store.media import MediaRow


def row(number: int, kind: str = "single", node: str = "porch") -> MediaRow:
    return MediaRow(node, f"m{number:04d}", 1000 * number, kind)


def ids(rows: list[MediaRow]) -> list[str]:
    return [one.id for one in rows]


def test_pages_follow_each_other_without_gap_or_repeat(db: sqlite3.Connection) -> None:
    media.replace(db, "porch", [row(number) for number in range(9, 0, -1)], complete=True)
    first = media.newest(db, ["porch"], "", 4)
    second = media.newest(db, ["porch"], "", 9, (first[-1].at_ms, first[-1].id))
    assert ids([*first, *second]) == [f"m{number:04d}" for number in range(9, 0, -1)]
    assert ids(media.newest(db, ["porch"], "", 1, (5000, ""))) == ["m0004"], "a time alone is exclusive"


def test_an_older_page_deletes_nothing_newer(db: sqlite3.Connection) -> None:
    media.replace(db, "porch", [row(9), row(8), row(7)], complete=False)
    media.replace(db, "porch", [row(6), row(5)], 7000, complete=False)
    assert ids(media.newest(db, ["porch"], "", 9)) == ["m0009", "m0008", "m0007", "m0006", "m0005"]
    media.replace(db, "porch", [row(6)], 7000, complete=True)
    assert ids(media.newest(db, ["porch"], "", 9)) == ["m0009", "m0008", "m0007", "m0006"]
    media.replace(db, "porch", [row(9), row(7)], complete=False)
    assert ids(media.newest(db, ["porch"], "", 9)) == ["m0009", "m0007", "m0006"], "the eighth vanished at the node"


def test_kinds_are_chosen_one_by_one_and_together(db: sqlite3.Connection) -> None:
    rows = [row(3, "clip"), row(2, "recording"), row(1)]
    media.replace(db, "porch", rows, complete=True)
    for kind, wanted in (("film", [3, 2]), ("picture", [1]), ("clip", [3]), ("nothing", []), ("", [3, 2, 1])):
        assert ids(media.newest(db, ["porch"], kind, 9)) == [f"m{number:04d}" for number in wanted], kind
