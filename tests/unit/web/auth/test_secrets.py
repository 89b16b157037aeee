"""Tokens, sessions, links and lockout."""

from __future__ import annotations

import logging
import stat
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from pi_cam_node.web.auth import lockout
from pi_cam_node.web.auth import sessions as sitting
from pi_cam_node.web.auth.lockout import Lockout
from pi_cam_node.web.auth.sessions import Sessions
from pi_cam_node.web.auth.signed_links import SignedLinks
from pi_cam_node.web.auth.token import Token, read_or_make
from tests.support.fakes.clock import FakeClock

TOKEN = "a-token-of-the-house"


@pytest.mark.parametrize(
    "given",
    ["", "a", TOKEN[:-1], TOKEN + "x", TOKEN + " ", " " + TOKEN, TOKEN.upper(), TOKEN * 2, TOKEN + "\0", "\udcff", "ä"],
)
def test_only_the_whole_token_is_the_token(given: str) -> None:
    assert not Token(TOKEN).is_(given)
    assert Token(TOKEN).is_(TOKEN)


def test_a_token_does_not_show_in_a_repr() -> None:
    assert TOKEN not in repr(Token(TOKEN))
    assert not hasattr(Token(TOKEN), "__dict__")


def test_two_first_starts_make_different_tokens_that_only_the_owner_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [tmp_path / name / ".http_token" for name in ("one", "two")]
    caplog.set_level(logging.DEBUG)
    for path in paths:
        read_or_make(path)
    made = [path.read_text().strip() for path in paths]
    assert made[0] != made[1]
    assert all(len(token) >= 43 for token in made)  # 256 bits
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    assert str(paths[0]) in caplog.text
    assert not any(token in caplog.text for token in made)


def test_a_second_start_keeps_the_token(tmp_path: Path) -> None:
    path = tmp_path / ".http_token"
    read_or_make(path)
    text = path.read_text().strip()
    assert read_or_make(path).is_(text)
    assert path.read_text().strip() == text


@pytest.mark.parametrize(
    "content", ["", "\n", "short\n", "x" * 2000, "schlüssel-mit-ä-und-mehr\n", "with\0nul-and-more\n"]
)
def test_what_is_no_token_opens_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    with pytest.raises(ValueError, match="must be a token"):
        read_or_make(path)


def test_a_token_that_others_may_read_is_complained_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    assert read_or_make(path).is_(TOKEN)
    assert "chmod 600" in caplog.text
    assert TOKEN not in caplog.text


def test_a_folder_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a token"):
        read_or_make(tmp_path)


@pytest.mark.parametrize("content", [f"\ufeff{TOKEN}\r\n", f"{TOKEN}\rmore", f" {TOKEN} \n"])
def test_a_token_is_read_as_editors_write_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content, newline="")
    path.chmod(0o600)
    assert read_or_make(path).is_(TOKEN)


# ------------------------------------------------------------ sessions


def test_a_session_ends_with_its_time_with_a_logout_and_never_another_ones() -> None:
    clock = FakeClock()
    sessions = Sessions(clock)
    one, two = sessions.create(), sessions.create()
    assert sessions.is_valid(one)
    sessions.end(one)
    assert not sessions.is_valid(one)
    assert sessions.is_valid(two)
    clock.advance(sitting.LIFETIME_S)
    assert not sessions.is_valid(two)
    assert len(sessions) == 0


def test_too_many_sessions_end_the_oldest() -> None:
    sessions = Sessions(FakeClock())
    names = [sessions.create() for _ in range(sitting.SESSIONS_MAX + 1)]
    assert len(set(names)) == len(names)
    assert not sessions.is_valid(names[0])
    assert all(sessions.is_valid(name) for name in names[1:])


@pytest.mark.parametrize("name", ["", "x", "\udcff"])
def test_a_session_that_nobody_began_is_none(name: str) -> None:
    sessions = Sessions(FakeClock())
    begun = sessions.create()
    assert not sessions.is_valid(name)
    assert not sessions.is_valid(begun[:-1])
    assert not sessions.is_valid(begun.swapcase())


# ------------------------------------------------------------ links


def parts(link: str) -> tuple[str, dict[str, str]]:
    split = urlsplit(link)
    return split.path, dict(parse_qsl(split.query))


def test_a_link_opens_its_path_until_it_ends() -> None:
    clock = FakeClock()
    links = SignedLinks(clock)
    path, query = parts(links.sign("/media/a", 60))
    assert links.verify(path, query)
    clock.advance(59)
    assert links.verify(path, query)
    clock.advance(1)
    assert not links.verify(path, query)


def test_while_the_clock_is_not_set_a_link_lasts_as_long_as_the_process(tmp_path: Path) -> None:
    clock, is_set = FakeClock(), [False]
    links = SignedLinks(clock, tmp_path / "key", lambda: is_set[0])
    path, query = parts(links.sign("/media/a", 60))
    clock.step_utc(10 * 365 * 86_400)
    is_set[0] = True
    assert links.verify(path, query)
    assert not SignedLinks(clock, tmp_path / "key").verify(path, query)
    assert parts(links.sign("/media/a"))[1]["expires"].isdigit()


def test_what_is_signed_alike_opens_another_path_until_the_same_time() -> None:
    clock = FakeClock()
    links = SignedLinks(clock)
    _, query = parts(links.sign("/hls/main.m3u8", 60))
    path, alike = parts(links.sign_alike("/hls/main-3f2a91c0-1.m4s", query))
    assert links.verify(path, alike)
    assert alike["expires"] == query["expires"]
    assert not links.verify("/hls/main.m3u8", alike)
    clock.advance(60)
    assert not links.verify(path, alike)


def test_a_link_opens_nothing_else() -> None:
    links = SignedLinks(FakeClock())
    _, query = parts(links.sign("/media/a", 60))
    for path in ("/media/b", "/media/a/", "/media/a/thumbnail", "/media/A", "/media", "/stream", ""):
        assert not links.verify(path, query)


@pytest.mark.parametrize(
    "change",
    [
        {"expires": "9999999999"},
        {"expires": ""},
        {"expires": "x"},
        {"expires": "٣"},
        {"signature": ""},
        {"signature": "A" * 43},
        {"signature": "\udcff"},
    ],
)
def test_a_changed_link_opens_nothing(change: dict[str, str]) -> None:
    links = SignedLinks(FakeClock())
    path, query = parts(links.sign("/media/a", 60))
    assert not links.verify(path, {**query, **change})
    assert not links.verify(path, {})


def test_links_outlive_a_restart_by_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    clock, key = FakeClock(), tmp_path / "key"
    path, query = parts(SignedLinks(clock, key).sign("/media/a"))
    assert key.stat().st_mode & 0o777 == 0o600
    assert SignedLinks(clock, key).verify(path, query)
    assert not SignedLinks(clock).verify(path, query)
    clock.advance(7 * 86_400)
    assert not SignedLinks(clock, key).verify(path, query)


def test_ending_links_ends_all_at_once_and_for_ever(tmp_path: Path) -> None:
    clock, key = FakeClock(), tmp_path / "key"
    links = SignedLinks(clock, key)
    path, query = parts(links.sign("/media/a"))
    links.end_all()
    assert not links.verify(path, query)
    links.save()
    assert not SignedLinks(clock, key).verify(path, query)
    path, query = parts(links.sign("/media/a"))
    assert SignedLinks(clock, key).verify(path, query)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"g" * 64, b"00" * 16])
def test_a_key_that_is_none_is_replaced(tmp_path: Path, content: bytes) -> None:
    clock, key = FakeClock(), tmp_path / "key"
    key.write_bytes(content)
    path, query = parts(SignedLinks(clock, key).sign("/media/a"))
    assert SignedLinks(clock, key).verify(path, query)


def test_a_key_that_cannot_be_written_is_said_and_links_last_until_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    links = SignedLinks(FakeClock(), tmp_path / "file" / "key")
    path, query = parts(links.sign("/media/a"))
    assert links.verify(path, query)
    assert "links to pictures expire when the node stops" in caplog.text


# ------------------------------------------------------------ guesses


def test_five_wrong_tries_in_a_minute_cost_a_wait_that_grows() -> None:
    clock = FakeClock()
    lockout_ = Lockout(clock)
    waits = []
    for _ in range(9):
        locked = [lockout_.count("192.0.2.7") for _ in range(lockout.GUESSES)]
        assert locked == [False] * (lockout.GUESSES - 1) + [True]
        waits.append(lockout_.wait_s("192.0.2.7"))
        clock.advance(waits[-1])
        assert lockout_.wait_s("192.0.2.7") == 0
    assert waits[:4] == [60, 120, 240, 480]
    assert waits[-1] == lockout.WAIT_MAX_S


def test_a_thousand_guesses_in_ten_minutes_are_looked_at_twenty_times() -> None:
    clock = FakeClock()
    lockout_, looked_at = Lockout(clock), 0
    for _ in range(1000):
        clock.advance(0.6)
        if lockout_.wait_s("192.0.2.7") == 0:
            looked_at += 1
            lockout_.count("192.0.2.7")
    assert looked_at <= 20


def test_slow_mistakes_cost_nothing_and_good_behaviour_is_rewarded() -> None:
    clock = FakeClock()
    lockout_ = Lockout(clock)
    for _ in range(20):
        assert not lockout_.count("192.0.2.7")
        clock.advance(16)
    for _ in range(lockout.GUESSES):
        lockout_.count("192.0.2.8")
    clock.advance(lockout.FIRST_WAIT_S + lockout.FORGIVEN_AFTER_S + 1)
    for _ in range(lockout.GUESSES):
        lockout_.count("192.0.2.8")
    assert lockout_.wait_s("192.0.2.8") == lockout.FIRST_WAIT_S


def test_addresses_do_not_share_their_guesses_but_a_house_does() -> None:
    lockout_ = Lockout(FakeClock())
    for _ in range(lockout.GUESSES):
        lockout_.count("2001:db8::1")
    assert lockout_.wait_s("2001:db8::ffff") > 0
    assert lockout_.wait_s("2001:db8:0:1::1") == 0
    assert lockout_.wait_s("192.0.2.7") == 0
    for _ in range(lockout.GUESSES):
        lockout_.count("::ffff:192.0.2.9")
    assert lockout_.wait_s("192.0.2.9") > 0


def test_the_memory_of_guesses_is_bounded() -> None:
    lockout_ = Lockout(FakeClock())
    for number in range(lockout.ADDRESSES_MAX + 100):
        lockout_.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(lockout_._records) == lockout.ADDRESSES_MAX
