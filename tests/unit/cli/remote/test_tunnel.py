"""Tunnel files: addresses, keys, and reading back."""

from __future__ import annotations

import base64
import ipaddress

import pytest

pytest.importorskip("cryptography", reason="the extra console is not installed")

from pi_cam_node.cli.remote.tunnel import HOUSE, Tunnel, new_private_key, public_key_of, read_hub_file

# RFC 7748, section 5.2: the result of one round on the base point.
NINE = bytes([9]) + bytes(31)
ONE_ROUND = bytes.fromhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")


def tunnel(network: str = "10.77.0.0/24") -> Tunnel:
    return Tunnel("cam.example.org", ipaddress.IPv4Network(network), 51820, 8090, new_private_key())


def with_peers(*names: str, network: str = "10.77.0.0/24") -> Tunnel:
    made = tunnel(network)
    for name in names:
        made, _ = made.with_peer(name)
    return made


def test_a_public_key_is_that_of_rfc_7748() -> None:
    assert public_key_of(base64.b64encode(NINE).decode()) == base64.b64encode(ONE_ROUND).decode()


def test_the_hub_is_read_back_as_it_was_written() -> None:
    made = with_peers(HOUSE, "anna", "ben")
    assert read_hub_file(made.hub_file()) == made


def test_addresses_are_the_first_free_ones_and_the_house_has_the_second() -> None:
    made = with_peers("anna", HOUSE, "ben").without_peer("anna")
    made, _ = made.with_peer("carl")
    assert {name: str(peer.address) for name, peer in made.peers.items()} == {
        "house": "10.77.0.2",
        "ben": "10.77.0.4",
        "carl": "10.77.0.3",
    }
    assert str(made.hub_address) == "10.77.0.1"


def test_a_full_network_takes_no_more() -> None:
    made = with_peers(HOUSE, "a", "b", "c", "d", network="10.9.0.0/29")
    with pytest.raises(ValueError, match="no address left"):
        made.with_peer("e")


@pytest.mark.parametrize("name", ["hub", "", "Anna", "a b", "a" * 33, "../x", "anna"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"name a phone|already"):
        with_peers("anna").with_peer(name)


def test_the_house_stays_in_the_tunnel() -> None:
    with pytest.raises(ValueError, match="no phone house"):
        with_peers(HOUSE).without_peer(HOUSE)


def test_each_file_holds_its_own_private_key_and_no_other() -> None:
    made, house_key = tunnel().with_peer(HOUSE)
    made, phone_key = made.with_peer("anna")
    hub, house, phone = made.hub_file(), made.house_file(house_key), made.phone_file("anna", phone_key)
    for key, owner in ((made.private_key, hub), (house_key, house), (phone_key, phone)):
        assert [text for text in (hub, house, phone) if key in text] == [owner]
    assert public_key_of(made.private_key) in house
    assert made.peers["anna"].public_key in hub
    assert made.private_key not in repr(made)


def test_the_tunnel_reaches_one_port_of_the_house() -> None:
    made, key = tunnel().with_peer(HOUSE)
    text = made.house_file(key)
    assert "ip saddr 10.77.0.0/24 tcp dport 8090 accept; drop;" in text
    assert "AllowedIPs = 10.77.0.0/24\n" in text
    assert "Endpoint = cam.example.org:51820\n" in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# Hub of", "# Hubb", "whose hub"),
        ("ListenPort = 51820\n", "", "ListenPort"),
        ("PrivateKey = ", "PrivateKey = x", "private key"),
        ("PresharedKey = ", "Preshared = ", "PresharedKey"),
        ("# house\n", "", "name"),
        ("10.77.0.2/32", "somewhere", "Expected 4 octets"),
    ],
)
def test_another_file_is_refused_in_words_without_keys(old: str, new: str, said: str) -> None:
    made = with_peers(HOUSE)
    with pytest.raises(ValueError, match=said) as refused:
        read_hub_file(made.hub_file().replace(old, new))
    assert made.private_key not in str(refused.value)
