"""Accounts: rights, persistent sessions, and pairing codes of wall tablets."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import BadRequest, Busy
from pi_cam_node.console.accounts import passwords
from pi_cam_node.console.accounts.pairing import LIFETIME_S, PENDING_MAX, Pairing
from pi_cam_node.console.accounts.registry import (
    HASHES_WAITING_MAX,
    SESSION_DAYS,
    SESSIONS_PER_ACCOUNT,
    Accounts,
)
from pi_cam_node.console.accounts.rights import Permission, may
from pi_cam_node.console.accounts.setup_link import SetupLink
from pi_cam_node.console.store.accounts import ROLES, Account, Role
from pi_cam_node.console.store.database import Database, StoreUnavailable
from tests.support.fakes.clock import FakeClock


@pytest.fixture(autouse=True)
def quick(mocker: MockerFixture) -> None:
    """Make hashing fast; how slow it shall be is tested by itself."""
    mocker.patch.object(passwords, "N", 2)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", ["view", "act", "own"])
@pytest.mark.parametrize("cameras", [None, frozenset({"porch"}), frozenset[str]()])
def test_the_matrix_of_rights(role: Role, permission: Permission, cameras: frozenset[str] | None) -> None:
    account = Account("1", "x", role, "", cameras)
    allowed = {"owner": {"view", "act", "own"}, "member": {"view", "act"}, "guest": {"view"}, "kiosk": {"view"}}[role]
    assert may(account, permission) is (permission in allowed)
    assert may(account, permission, "porch") is (permission in allowed and (cameras is None or "porch" in cameras))
    assert may(account, permission, "hall") is (permission in allowed and cameras is None)


def test_a_role_that_nobody_knows_may_nothing() -> None:
    assert not may(Account("1", "x", "king", ""), "view")  # type: ignore[arg-type]


def test_passwords_are_hashed_with_salt(mocker: MockerFixture) -> None:
    mocker.patch.object(passwords, "N", 1 << 14)
    stored = passwords.hashed("correct horse")
    assert stored.startswith("scrypt$16384$8$5$")
    assert passwords.verify("correct horse", stored)
    assert not passwords.verify("correct horsE", stored)
    assert stored != passwords.hashed("correct horse")


@pytest.mark.parametrize("stored", ["", "x", "scrypt$2$8$5$!!$!!", "md5$2$8$5$AAAA$AAAA", "scrypt$3$8$5$AAAA$AAAA"])
def test_what_is_no_hash_opens_nothing(stored: str) -> None:
    assert not passwords.verify("", stored)


def test_passwords_that_wait_to_be_verified_are_bounded(database: Database, mocker: MockerFixture) -> None:
    """Each takes 16 MiB and time: who sends many must not fill the memory."""
    goes_on = threading.Event()
    mocker.patch.object(passwords, "verify", side_effect=lambda *_: goes_on.wait(30))

    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        waiting = [asyncio.create_task(accounts.verify("Anna", "guess")) for _ in range(HASHES_WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await asyncio.wait_for(accounts.verify("Anna", "guess"), 1)
        goes_on.set()
        assert await asyncio.gather(*waiting) == [None] * HASHES_WAITING_MAX
        accounts.close()

    asyncio.run(live())


def test_the_use_of_a_session_is_written_once_an_hour(database: Database) -> None:
    async def live() -> None:
        clock = FakeClock()
        accounts = Accounts(database, clock)
        name = await accounts.begin(await accounts.create("Anna", "owner", "correct horse"), "Firefox")
        written = []
        for _ in range(8):
            clock.advance(600)
            found = accounts.session(name)
            assert found is not None
            await accounts.seen(found[1])
            ((_, _, _, _, created, seen, _),) = await database.read(
                lambda db: db.execute("SELECT * FROM session").fetchall()
            )
            written.append((seen - created) // 60_000)
        assert written == [0, 0, 0, 0, 0, 0, 70, 70]

    asyncio.run(live())


def test_a_session_outlives_a_restart_and_ends_with_its_time(database: Database) -> None:
    async def live() -> None:
        clock = FakeClock()
        accounts = Accounts(database, clock)
        anna = await accounts.create("Anna", "owner", "correct horse")
        name = await accounts.begin(anna, "Firefox")
        wall = await accounts.begin(await accounts.create("Wall", "kiosk", ""), "Wall", "kiosk")
        again = Accounts(database, clock)
        await again.load()
        assert again.has_owner
        assert again.session(name) is not None
        assert again.session(name + "x") is None
        found, lasting = again.session(name), again.session(wall)
        assert found is not None
        assert lasting is not None
        assert again.is_valid(found[1])
        clock.advance(SESSION_DAYS * 86_400 + 1)
        assert (again.is_valid(found[1]), again.is_valid(lasting[1])) == (False, True)
        assert again.session(name) is None
        assert again.session(wall) is not None
        await again.end(lasting[1].hash)
        assert not again.is_valid(lasting[1])

    asyncio.run(live())


def test_the_database_holds_no_session_name(database: Database, tmp_path: Path) -> None:
    async def live() -> str:
        accounts = Accounts(database, FakeClock())
        return await accounts.begin(await accounts.create("Anna", "owner", "correct horse"), "x")

    name = asyncio.run(live())
    assert all(name.encode() not in file.read_bytes() for file in tmp_path.iterdir())


def test_who_gives_the_right_password_is_let_in(database: Database) -> None:
    async def live() -> list[object]:
        accounts = Accounts(database, FakeClock())
        await accounts.create("Anna", "owner", "correct horse")
        await accounts.create("Wall", "kiosk", "")
        tries = (("anna ", "correct horse"), ("Anna", "wrong"), ("Bert", "correct horse"), ("Wall", ""), ("", ""))
        return [(found.name if (found := await accounts.verify(*one)) else None) for one in tries]

    assert asyncio.run(live()) == ["Anna", None, None, None, None]


def test_of_two_accounts_of_one_name_that_are_made_at_once_one_is_refused(database: Database) -> None:
    async def live() -> list[object]:
        accounts = Accounts(database, FakeClock())
        made = (accounts.create(name, "guest", "correct horse") for name in ("Anna", "anna"))
        return await asyncio.gather(*made, return_exceptions=True)

    refused = [one for one in asyncio.run(live()) if isinstance(one, BadRequest)]
    assert [str(one) for one in refused] == ["There is an account of this name already."]


def test_the_last_owner_stays(database: Database) -> None:
    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        anna = await accounts.create("Anna", "owner", "correct horse")
        with pytest.raises(BadRequest, match="last owner"):
            await accounts.remove(anna)
        with pytest.raises(BadRequest, match="last owner"):
            await accounts.change(anna, cameras=None, role="member")
        await accounts.create("Bert", "owner", "correct horse")
        await accounts.remove(anna)
        assert [account.name for account in accounts.all()] == ["Bert"]

    asyncio.run(live())


def test_a_request_that_takes_its_time_brings_back_neither_rights_nor_an_account(database: Database) -> None:
    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        await accounts.create("Anna", "owner", "correct horse")
        before = await accounts.create("Max", "member", "correct horse")
        await asyncio.gather(
            accounts.change(before, cameras=["porch"], role="guest"),
            accounts.set_theme(before, "dark"),
            accounts.set_password(before, "another horse"),
        )
        again = Accounts(database, FakeClock())
        await again.load()
        for now in (accounts.get(before.id), again.get(before.id)):
            assert now is not None
            assert (now.role, now.cameras, now.theme) == ("guest", frozenset({"porch"}), "dark")
            assert passwords.verify("another horse", now.password)
        done = await asyncio.gather(
            accounts.remove(before), accounts.set_theme(before, "light"), accounts.keep_all(), return_exceptions=True
        )
        assert isinstance(done[1], BadRequest)
        await again.load()
        assert accounts.get(before.id) is again.get(before.id) is None

    asyncio.run(live())


def test_a_login_that_takes_its_time_begins_no_session_of_an_account_that_went_or_has_another_password(
    database: Database,
) -> None:
    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        await accounts.create("Anna", "owner", "correct horse")
        for name, meanwhile in (("Max", accounts.remove), ("Eva", lambda a: accounts.set_password(a, "another horse"))):
            verified = await accounts.create(name, "member", "correct horse")
            await meanwhile(verified)
            with pytest.raises(BadRequest):
                await accounts.begin(verified, "browser")
            assert accounts.sessions_of(verified.id) == []

    asyncio.run(live())


def test_the_use_of_a_session_that_ends_meanwhile_is_not_recorded(database: Database) -> None:
    async def live() -> None:
        clock = FakeClock()
        accounts = Accounts(database, clock)
        await accounts.create("Anna", "owner", "correct horse")
        max_ = await accounts.create("Max", "member", "correct horse")
        known = accounts.session(await accounts.begin(max_, "browser"))
        assert known is not None
        clock.advance(2 * 3600)
        await asyncio.gather(accounts.remove(max_), accounts.seen(known[1]))
        again = Accounts(database, clock)
        await again.load()
        assert again.sessions_of(max_.id) == []

    asyncio.run(live())


def test_two_owners_do_not_end_each_other(database: Database) -> None:
    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        both = [await accounts.create(name, "owner", "correct horse") for name in ("Anna", "Bert")]
        work = (accounts.change(one, cameras=None, role="member") for one in both)
        done = await asyncio.gather(*work, return_exceptions=True)
        assert isinstance(done[1], BadRequest)
        assert accounts.has_owner

    asyncio.run(live())


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "member", "correct horse"),
        ("x" * 65, "member", "correct horse"),
        ("a\nb", "member", "correct horse"),
        ("a", "king", "correct horse"),
        ("a", "member", "short"),
        ("anna", "member", "correct horse"),
        ("An\u200dna", "member", "correct horse"),
        ("\u200d", "member", "correct horse"),
        ("\u202eanna", "member", "correct horse"),
    ],
)
def test_accounts_that_are_refused(database: Database, name: str, role: str, password: str) -> None:
    async def live() -> None:
        accounts = Accounts(database, FakeClock())
        await accounts.create("Anna", "owner", "correct horse")
        with pytest.raises(BadRequest):
            await accounts.create(name, role, password)

    asyncio.run(live())


def test_names_of_any_script_and_emoji_are_found_however_they_are_typed(database: Database) -> None:
    async def live() -> list[bool]:
        accounts = Accounts(database, FakeClock())
        family, composed, persian = "👨\u200d👩\u200d👧", "Ren\u00e9e", "مهر\u200cبانو"
        for name in (family, composed, persian):
            await accounts.create(name, "guest", "correct horse")
        typed = (family, "rene\u0301e", "مهربانو", "Renee")
        return [accounts.named(name) is not None for name in typed]

    assert asyncio.run(live()) == [True, True, True, False]


def test_a_changed_password_ends_every_session_and_sessions_are_bounded(database: Database) -> None:
    async def live() -> None:
        clock = FakeClock()
        accounts = Accounts(database, clock)
        anna = await accounts.create("Anna", "owner", "correct horse")
        names = []
        for _ in range(SESSIONS_PER_ACCOUNT + 3):
            names.append(await accounts.begin(anna, "x"))
            clock.advance(1)
        assert [accounts.session(name) is not None for name in (names[0], names[-1])] == [False, True]
        await accounts.set_password(anna, "another horse")
        assert accounts.session(names[-1]) is None
        assert await accounts.verify("Anna", "another horse") is not None

    asyncio.run(live())


def test_a_code_pairs_one_device_within_its_time() -> None:
    clock = FakeClock()
    pairing = Pairing(clock)
    pending = pairing.begin("192.0.2.7")
    assert pairing.with_code(f" {pending.code[:3].lower()} {pending.code[3:]} ") is pending
    assert pairing.with_code("AAAAAA") is None
    pending.session = "s"
    assert pairing.with_code(pending.code) is None
    clock.advance(LIFETIME_S + 1)
    assert pairing.of(pending.name) is None


def test_a_stranger_who_asks_for_many_codes_takes_none_from_the_tablet_on_the_wall() -> None:
    pairing = Pairing(FakeClock())
    waiting, approved = pairing.begin("192.0.2.7"), pairing.begin("192.0.2.8")
    approved.session = "session"
    for _ in range(100):
        last = pairing.begin("192.0.2.66")
    assert pairing.with_code(waiting.code) is waiting
    assert pairing.with_code(last.code) is last
    for number in range(100):
        pairing.begin(f"198.51.100.{number}")
    assert pairing.of(waiting.name) is None
    assert pairing.of(approved.name) is approved
    assert len(pairing._pending) == PENDING_MAX + 1


def test_the_setup_link_is_for_its_owner_alone_and_ends(tmp_path: Path) -> None:
    link = SetupLink(tmp_path)
    assert not link.is_("")
    link.open("http://127.0.0.1:8090")
    key = link.path.read_text().strip().partition("key=")[2]
    assert link.path.stat().st_mode & 0o777 == 0o600
    assert link.is_(key)
    assert not link.is_(key[:-1])
    link.close()
    assert not link.is_(key)
    assert not link.path.exists()


def test_what_the_database_does_not_take_has_not_happened(database: Database, mocker: MockerFixture) -> None:
    """A session that ended in memory alone was back after a restart, and no list showed it to end it again."""

    async def run() -> None:
        accounts = Accounts(database, FakeClock())
        anna = await accounts.create("Anna", "owner", "correct horse")
        name = await accounts.begin(anna, "phone")
        (session,) = accounts.sessions_of(anna.id)
        full = mocker.patch.object(database, "run", side_effect=StoreUnavailable("the disk is full"))
        with pytest.raises(StoreUnavailable):
            await accounts.end(session.hash)
        with pytest.raises(StoreUnavailable):
            await accounts.set_password(anna, "another horse")
        assert accounts.sessions_of(anna.id) == [session]
        assert await accounts.verify("Anna", "correct horse") == anna
        mocker.stop(full)
        await accounts.set_password(anna, "another horse")
        again = Accounts(database, FakeClock())
        await again.load()
        for one in (accounts, again):
            assert one.session(name) is None
            assert await one.verify("Anna", "another horse") is not None
            one.close()

    asyncio.run(run())
