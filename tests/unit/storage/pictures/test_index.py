"""The index of the saved pictures: order, look-up, and little memory for each picture."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.core.history import MEDIA_KINDS, MediaRow, Query, page_of
from pi_cam_node.core.media_ids import SIDECAR, MediaName
from pi_cam_node.storage.pictures.archive import PictureArchive
from pi_cam_node.storage.pictures.index import Index, Usage
from pi_cam_node.storage.pictures.listing import list_pictures
from pi_cam_node.storage.pictures.records import EXTENSIONS, Entry, Records, first_key_at, key_of
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import archive_in

MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)

moments = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
few_moments = st.integers(0, 5).map(lambda ms: MORNING + timedelta(milliseconds=ms))
names = st.builds(
    MediaName,
    at=moments | few_moments,
    boot=st.sampled_from(["00000000", "3f2a91c0", "ffffffff"]),
    frame=st.sampled_from([0, 42, 999_999, 10**12 - 1]),
    kind=st.sampled_from(MEDIA_KINDS),
    again=st.sampled_from([1, 2, 999_999]),
)
facts = st.fixed_dictionaries(
    {
        "extensions": st.lists(st.sampled_from(EXTENSIONS), unique=True).map(
            lambda some: sorted(some, key=EXTENSIONS.index)
        ),
        "size_bytes": st.integers(0, 2**63),
        "saved_mono_s": st.none() | st.floats(0, 1e9),
        "clock_set": st.sampled_from([None, False, True]),
        "kept": st.sampled_from([None, False, True]),
    }
)


def name_of(number: int, boot: str = "3f2a91c0") -> MediaName:
    return MediaName(MORNING + timedelta(minutes=number), boot, number, "single")


def entry_of(number: int, saved_mono_s: float | None = None, size_bytes: int = 10) -> Entry:
    return Entry.of(key_of(name_of(number)), ("jpg", SIDECAR), size_bytes, saved_mono_s)


def listed(*numbers: int) -> Records:
    records = Records()
    for number in sorted(numbers):
        records.append(entry_of(number))
    return records


def numbers_in(index: Index) -> list[int]:
    return [entry.name.frame for entry in index]


@given(names, facts)
def test_an_entry_gives_back_what_it_was_made_of(name: MediaName, told: dict[str, object]) -> None:
    entry = Entry.of(key_of(name), **told)  # type: ignore[arg-type]
    assert (entry.name, entry.id, entry.kind) == (name, name.id, name.kind)
    assert entry.epoch_s == pytest.approx(name.at.timestamp(), abs=1e-4)
    assert entry.is_film == ("mp4" in entry.extensions)
    assert {key: getattr(entry, key) for key in told} == {**told, "extensions": tuple(told["extensions"])}  # type: ignore[arg-type]


@given(names, names)
def test_keys_sort_by_time(one: MediaName, other: MediaName) -> None:
    assert one.at == other.at or (key_of(one) < key_of(other)) == (one.at < other.at)
    assert (key_of(one) == key_of(other)) == (one == other)


@given(
    names,
    st.datetimes(MORNING.replace(year=2, tzinfo=None), timezones=st.just(UTC))
    | st.integers(0, 5000).map(lambda us: MORNING + timedelta(microseconds=us)),
)
def test_a_picture_is_older_than_a_time_if_its_key_is(name: MediaName, at: datetime) -> None:
    assert (key_of(name) < first_key_at(at)) == (name.at < at)


@given(st.lists(names, unique=True), st.lists(names, max_size=9, unique=True), st.data())
def test_every_picture_is_found_and_none_that_is_gone(
    earlier: list[MediaName], ours: list[MediaName], data: st.DataObject
) -> None:
    index, found = Index(), Records()
    for name in sorted(earlier, key=key_of):
        found.append(Entry.of(key_of(name), ("jpg",), 7))
    index.reconcile(found)
    held = [*sorted(earlier, key=key_of), *(name for name in ours if name not in earlier)]
    for name in held[len(earlier) :]:  # the wall clock may be set back between two
        index.add(Entry.of(key_of(name), ("mp4",), 5, 1.0))
    for gone in data.draw(st.lists(st.sampled_from(held), unique=True)) if held else []:
        index.forget(key_of(gone))
        held.remove(gone)
        with pytest.raises(KeyError):
            index.find(gone.id)
    assert [entry.name for entry in index] == held
    assert [index.find(name.id).name for name in held] == held
    assert index.size_bytes == sum(entry.size_bytes for entry in index)
    assert index.film_bytes == sum(entry.size_bytes for entry in index if entry.is_film)


def test_a_new_listing_keeps_the_order_of_this_run_and_what_side_cars_said() -> None:
    index = Index()
    index.reconcile(listed(1, 2, 3))
    index.note(key_of(name_of(2)), clock_set=False, kept=True)
    for number, saved_mono_s in ((9, 100.0), (0, 101.0), (8, 102.0)):  # the clock was set back after 9
        index.add(entry_of(number, saved_mono_s))
    found = listed(0, 1, 2, 5, 9)  # 3 and 8 were deleted by hand, 5 was put there
    found[0] = entry_of(0, size_bytes=99)
    index.reconcile(found)
    index.publish()
    assert numbers_in(index) == [1, 2, 5, 9, 0]
    assert index.newest(2) == (name_of(0).id, name_of(9).id)
    assert (index.find(name_of(0).id).size_bytes, index.find(name_of(0).id).saved_mono_s) == (99, 101.0)
    assert (index.find(name_of(2).id).clock_set, index.find(name_of(2).id).kept) == (False, True)
    assert index.usage == Usage(139, 5)


def test_a_key_is_not_found_across_the_border_of_two_records() -> None:
    records = listed(1, 2)
    whole = records[0].record + records[1].record
    assert records.any_place(whole[3 : 3 + len(records[0].key)], 0) is None
    assert records.any_place(records[1].key, 0) == 1


@pytest.mark.parametrize("limit", [1, 3, 200])
@pytest.mark.parametrize("before", [None, 3, MORNING + timedelta(minutes=5)])
@pytest.mark.parametrize("kind", ["", "single", "clip"])
def test_a_page_is_the_same_as_of_all_rows(
    archive: PictureArchive, tmp_path: Path, limit: int, before: datetime | int | None, kind: str
) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    rows = []
    for number in range(8):
        name = MediaName(
            MORNING + timedelta(minutes=number // 2), "3f2a91c0", number, ("single", "clip")[number % 3 > 1]
        )
        extension = "mp4" if name.kind == "clip" else "jpg"
        path = folder / f"{name.id}.{extension}"
        path.write_bytes(b"1234")
        (folder / f"{name.id}.json").write_bytes(b"{}")
        rows.append(MediaRow(name.id, name.kind, name.at, str(path), 6))
    query = Query(limit, rows[before].id if isinstance(before, int) else before, kind)
    assert archive.media(query) == page_of(rows, query)
    assert archive.media(Query(zone="door")).rows == ()


def test_a_side_car_alone_is_no_row_and_no_place_to_go_on_from(archive: PictureArchive, tmp_path: Path) -> None:
    archive.open()
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / f"{name_of(1).id}.json").write_bytes(b"{}")
    archive.open()
    assert archive.media(Query()).rows == ()
    with pytest.raises(LookupError):
        archive.media(Query(before=name_of(1).id))


def test_a_hundred_thousand_pictures_take_a_few_megabytes(tmp_path: Path) -> None:
    folder, count = tmp_path / "captures", 2000
    folder.mkdir()
    for number in range(count):
        for extension in ("jpg", "json"):
            (folder / f"{name_of(number).id}.{extension}").touch()
    archive = archive_in(tmp_path, FakeClock())
    list_pictures(tmp_path)  # regular expressions and the like are there
    tracemalloc.start()
    try:
        archive.open()
        archive.open()
        kept_bytes, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert archive.usage() == Usage(0, count)
    assert kept_bytes / count < 70
    assert most_bytes / count < 250
