"""Names of saved pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.core.history import MEDIA_KINDS
from pi_cam_node.core.media_ids import MediaName, boot_part, is_part, is_picture_part, parse_file, parse_id

NAME = MediaName(datetime(2026, 11, 20, 19, 45, 1, 123_000, tzinfo=UTC), "3f2a91c0", 42, "single")

names = st.builds(
    MediaName,
    at=st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    boot=st.text("0123456789abcdef", min_size=8, max_size=8),
    frame=st.integers(0, 10**12 - 1),
    kind=st.sampled_from(MEDIA_KINDS),
    again=st.integers(1, 10_000),
)


def test_an_id_says_when_in_utc_which_boot_which_frame_and_what_kind() -> None:
    assert NAME.id == "20261120T194501123Z-3f2a91c0-000042-single"


def test_a_second_picture_with_the_same_facts_gets_a_counter() -> None:
    assert MediaName(NAME.at, NAME.boot, 42, "stack", again=2).id == "20261120T194501123Z-3f2a91c0-000042-stack-2"


def test_the_time_zone_of_the_moment_does_not_show() -> None:
    in_delhi = NAME.at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert MediaName(in_delhi, NAME.boot, 42, "single").id == NAME.id


def test_the_repeated_hour_of_autumn_repeats_no_name() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, twice
    ids = {MediaName(first + timedelta(hours=h), NAME.boot, 42, "single").id for h in (0, 1)}
    assert len(ids) == 2


@given(names)
def test_an_id_read_back_gives_the_same_facts(name: MediaName) -> None:
    assert parse_id(name.id) == name


@given(names, names)
def test_different_facts_never_share_an_id(one: MediaName, other: MediaName) -> None:
    assert (one.id == other.id) == (one == other)


@given(names, names)
def test_ids_sort_by_time(one: MediaName, other: MediaName) -> None:
    assert one.at == other.at or (one.id < other.id) == (one.at < other.at)


@given(st.text())
def test_text_that_is_an_id_is_exactly_the_id_of_its_facts(text: str) -> None:
    name = parse_id(text)
    assert name is None or name.id == text


HOSTILE = [
    "",
    "../" + NAME.id,
    NAME.id + "/..",
    "/etc/passwd",
    NAME.id + "\n",
    "\n" + NAME.id,
    NAME.id + "\0",
    NAME.id + ".jpg",
    NAME.id.upper(),
    NAME.id.replace("42", "٤٢"),  # digits of another script
    NAME.id + "-1",
    NAME.id + "-02",
    NAME.id.replace("000042", "0000042"),
    NAME.id.replace("single", "film"),
    NAME.id.replace("20261120", "20261320"),
    NAME.id.replace("194501", "246060"),
    "00000101" + NAME.id[8:],
    NAME.id * 8,
    "%2e%2e%2f" + NAME.id,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_not_exactly_an_id_is_refused(text: str) -> None:
    assert parse_id(text) is None
    assert parse_file(text + ".jpg") is None


def test_files_of_ours_are_told_from_others() -> None:
    assert parse_file(NAME.id + ".npy") == (NAME.id, "npy")
    assert parse_file(NAME.id + ".json") == (NAME.id, "json")
    for other in (NAME.id + ".jpeg", NAME.id + ".jpg.bak", NAME.id, "holiday.jpg", "." + NAME.id + ".jpg"):
        assert parse_file(other) is None


def test_temporary_files_of_ours_are_told_from_others() -> None:
    assert is_part(f".{NAME.id}.jpg.4711.part")
    for other in (f".{NAME.id}.jpg.part", f"{NAME.id}.jpg.4711.part", ".film.mkv.4711.part", f".{NAME.id}.jpg.x.part"):
        assert not is_part(other)


def test_temporary_files_of_films_are_told_from_those_of_pictures() -> None:
    film = replace(NAME, kind="recording").id
    assert [is_part(f".{name}.4711.part") for name in (f"{film}.mp4", f"{film}.json", f"{NAME.id}.json")] == [True] * 3
    assert not is_picture_part(f".{film}.mp4.4711.part")
    assert not is_picture_part(f".{film}.json.4711.part")
    assert is_picture_part(f".{NAME.id}.json.4711.part")


def test_a_boot_id_is_cut_to_eight_digits() -> None:
    assert boot_part("3F2A91C0-6d1e-4b7f-9a55-0c1d2e3f4a5b") == "3f2a91c0"


@pytest.mark.parametrize("wrong", ["", "3f2a", "node-one", "3f2a91cg"])
def test_a_boot_id_without_eight_digits_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="8 hex digits"):
        boot_part(wrong)
