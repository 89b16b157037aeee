"""A new password set in the database itself."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.console.accounts import passwords
from pi_cam_node.console.accounts.password_reset import set_password
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.store.database import Database
from tests.support.fakes.clock import FakeClock


def test_an_account_is_found_by_its_name_as_the_login_finds_it(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(passwords, "N", 2)
    typed = unicodedata.normalize("NFD", " jürgen ")  # as some terminals send it

    async def run() -> None:
        database = Database(tmp_path, FakeClock())
        database.open()
        await Accounts(database, FakeClock()).create("Jürgen", "owner", "correct horse")
        assert set_password(database.path, typed, "another horse") == "Jürgen"
        with pytest.raises(BadRequest, match="there are: Jürgen"):
            set_password(database.path, "Anna", "another horse")
        accounts = Accounts(database, FakeClock())
        await accounts.load()
        assert await accounts.verify(typed, "another horse") is not None
        database.close()

    asyncio.run(run())
