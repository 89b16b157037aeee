"""The console's certificate authority: signing, refusals, verification by a client."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.console import authority

TURNS = 10
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """Let a client greet a server by a name, without a network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(TURNS):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    assert ends[0].cipher() is not None


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / authority.CERTIFICATE, folder / authority.KEY)
    return ssl.create_default_context(cafile=str(folder / authority.AUTHORITY)), server


def test_keys_are_for_their_owner_alone_and_the_certificate_lasts_as_long_as_apple_takes(tmp_path: Path) -> None:
    issued = authority.issue(tmp_path, ["house.local", "192.168.1.10"], NOW)
    assert issued.names == ("house.local", "192.168.1.10")
    for name in (authority.KEY, authority.AUTHORITY_KEY):
        assert (tmp_path / "ca" / name).stat().st_mode & 0o777 == 0o600
    began = NOW - timedelta(days=authority.BACK_DAYS)
    assert issued.ends - began <= timedelta(days=398)
    assert authority.ends_of(tmp_path / "ca" / authority.CERTIFICATE) == issued.ends


def test_a_renewal_keeps_authority_and_names(tmp_path: Path) -> None:
    first = authority.issue(tmp_path, ["house.local", "fd00::1"], NOW)
    kept = (tmp_path / "ca" / authority.AUTHORITY).read_bytes()
    again = authority.issue(tmp_path, [], NOW + timedelta(days=390))
    assert (again.names, again.fingerprint) == (first.names, first.fingerprint)
    assert (tmp_path / "ca" / authority.AUTHORITY).read_bytes() == kept
    assert again.ends - first.ends == timedelta(days=390)


@pytest.mark.parametrize("name", ["bank.example", "8.8.8.8", "notlocal"])
def test_it_signs_the_house_and_what_it_was_made_for_only(tmp_path: Path, name: str) -> None:
    authority.issue(tmp_path, ["house.local", "cam.example.org"], NOW)
    before = (tmp_path / "ca" / authority.CERTIFICATE).read_bytes()
    with pytest.raises(ValueError, match="was not made for"):
        authority.issue(tmp_path, ["house.local", name], NOW)
    assert (tmp_path / "ca" / authority.CERTIFICATE).read_bytes() == before
    assert authority.issue(tmp_path, ["cam.example.org", "pi.lan", "10.0.0.7"], NOW).names[0] == "cam.example.org"


@pytest.mark.parametrize("name", ["", "a b", "*.local", "http://house.local", "x" * 300, "-a.local"])
def test_what_is_no_name_is_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor an address"):
        authority.issue(tmp_path, [name], NOW)
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_at_the_first_time_it_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--name"):
        authority.issue(tmp_path, [], NOW)


@pytest.mark.parametrize(
    ("asked", "is_accepted"), [("house.local", True), ("192.168.1.10", True), ("evil.local", False)]
)
def test_a_client_that_trusts_the_authority_accepts_the_console(tmp_path: Path, asked: str, is_accepted: bool) -> None:
    authority.issue(tmp_path, ["house.local", "192.168.1.10"], datetime.now(UTC))
    client, server = contexts(tmp_path / "ca")
    if is_accepted:
        handshake(client, server, asked)
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(client, server, asked)


def test_who_steals_its_key_can_pose_as_nobody_else(tmp_path: Path, mocker: MockerFixture) -> None:
    authority.issue(tmp_path, ["house.local"], datetime.now(UTC))
    mocker.patch.object(authority, "_may_sign", return_value=True)
    authority.issue(tmp_path, ["bank.example"], datetime.now(UTC))
    client, server = contexts(tmp_path / "ca")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(client, server, "bank.example")
