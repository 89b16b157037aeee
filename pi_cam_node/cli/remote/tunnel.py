"""WireGuard tunnel: a hub on a rented server, the house that dials out to it, and phones; as files of wg-quick.

The hub's file is the only state: it names every peer with its address, and is read back when a phone is added, so that
keys are made once. A private key other than the hub's stands in the file of its owner and nowhere else.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import field, replace

from pi_cam_node.base.frozen import frozen

HUB, HOUSE = "hub", "house"
INTERFACE = "cam"
PEER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
WIREGUARD_KEY_BYTES = 32
KEEPALIVE_S = 25
_TITLE = re.compile(r"# Hub of (\S+), console on port (\d+)\. .*")
_SETTING = re.compile(r"(\w+) = (.+)")


@frozen
class Peer:
    """A peer of the hub.

    Attributes:
        name: ``house``, or that of a phone.
        address: Within the tunnel.
        public_key: Base64.
        preshared_key: Base64; a second, symmetric secret of this peer and the hub.
    """

    name: str
    address: ipaddress.IPv4Address
    public_key: str
    preshared_key: str


@frozen
class Tunnel:
    """A tunnel as its hub knows it.

    Attributes:
        server_name: Host name of the rented server.
        network: Addresses within the tunnel: the first is the hub's, the second the house's.
        port: UDP port of the hub.
        console_port: TCP port of the console on the house's machine.
        private_key: The hub's, base64.
        peers: The house and the phones, by name.
    """

    server_name: str
    network: ipaddress.IPv4Network
    port: int
    console_port: int
    private_key: str = field(repr=False)
    peers: Mapping[str, Peer] = field(default_factory=dict)

    @property
    def hub_address(self) -> ipaddress.IPv4Address:
        """Address of the rented server within the tunnel."""
        return self.network[1]

    @property
    def house_address(self) -> ipaddress.IPv4Address:
        """Address of the console's machine within the tunnel."""
        return self.network[2]

    @property
    def phones(self) -> list[str]:
        """Names of the phones."""
        return [name for name in self.peers if name != HOUSE]

    def with_peer(self, name: str) -> tuple[Tunnel, str]:
        """Return the tunnel with one more peer, and the peer's private key.

        Raises:
            ValueError: The name is taken or unusable, or the network has no address left.
        """
        if name in self.peers:
            raise ValueError(f"{name} is in the tunnel already")
        if name == HUB or not PEER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a phone: 1 to 32 of a–z, 0–9, _ and -, other than {HUB}")
        taken = {self.hub_address, self.house_address, *(peer.address for peer in self.peers.values())}
        free = (address for address in self.network.hosts() if address not in taken)
        address = self.house_address if name == HOUSE else next(free, None)
        if address is None:
            raise ValueError(f"{self.network} has no address left for {name}")
        private_key = new_private_key()
        preshared_key = base64.b64encode(os.urandom(WIREGUARD_KEY_BYTES)).decode()
        peer = Peer(name, address, public_key_of(private_key), preshared_key)
        return replace(self, peers={**self.peers, name: peer}), private_key

    def without_peer(self, name: str) -> Tunnel:
        """Return the tunnel without a phone.

        Raises:
            ValueError: There is no such phone.
        """
        if name not in self.phones:
            raise ValueError(f"there is no phone {name}; there are: {', '.join(self.phones) or 'none'}")
        return replace(self, peers={other: peer for other, peer in self.peers.items() if other != name})

    def hub_file(self) -> str:
        """Return the hub's wg-quick file."""
        head = (
            f"# Hub of {self.server_name}, console on port {self.console_port}. "
            "Made by pi-cam-node remote, which reads it again.\n"
            f"[Interface]\nAddress = {self.hub_address}/{self.network.prefixlen}\nListenPort = {self.port}\n"
            f"PrivateKey = {self.private_key}\n"
        )
        return head + "".join(
            f"\n# {peer.name}\n[Peer]\nPublicKey = {peer.public_key}\nPresharedKey = {peer.preshared_key}\n"
            f"AllowedIPs = {peer.address}/32\n"
            for peer in self.peers.values()
        )

    def house_file(self, private_key: str) -> str:
        """Return the house's wg-quick file: it dials out, and lets the tunnel reach the console's port and no other."""
        rules = (
            f"table inet {INTERFACE}_tunnel {{ "
            'chain input { type filter hook input priority 0; iifname != "%i" accept; '
            "ct state established,related accept; icmp type echo-request accept; "
            f"ip saddr {self.network} tcp dport {self.console_port} accept; drop; }}; "
            'chain forward { type filter hook forward priority 0; iifname "%i" drop; }; }'
        )
        return self._peer_file(
            HOUSE,
            private_key,
            f"# The tunnel reaches port {self.console_port} of this machine and nothing else. Needs nftables.\n"
            f"PreUp = nft '{rules}'\nPostDown = nft delete table inet {INTERFACE}_tunnel\n",
        )

    def phone_file(self, name: str, private_key: str) -> str:
        """Return a phone's file: only what is for the tunnel goes through it."""
        return self._peer_file(name, private_key)

    def _peer_file(self, name: str, private_key: str, more: str = "") -> str:
        peer = self.peers[name]
        return (
            f"[Interface]\nAddress = {peer.address}/32\nPrivateKey = {private_key}\n{more}"
            f"\n[Peer]\nPublicKey = {public_key_of(self.private_key)}\nPresharedKey = {peer.preshared_key}\n"
            f"Endpoint = {self.server_name}:{self.port}\nAllowedIPs = {self.network}\n"
            f"PersistentKeepalive = {KEEPALIVE_S}\n"
        )


def read_hub_file(text: str) -> Tunnel:
    """Return the tunnel of a hub's file.

    Raises:
        ValueError: It is not one that `Tunnel.hub_file` wrote; the message says why, and shows no key.
    """
    sections = re.split(r"^(?:# (.+)\n)?\[Peer\]$", text, flags=re.MULTILINE)
    title = _TITLE.search(sections[0])
    if title is None:
        raise ValueError("its first line does not say whose hub it is")
    try:
        head = _settings(sections[0])
        interface = ipaddress.ip_interface(head["Address"])
        peers = {}
        for name, body in zip(sections[1::2], sections[2::2], strict=True):
            told = _settings(body)
            address = ipaddress.IPv4Address(told["AllowedIPs"].partition("/")[0])
            peers[name or ""] = Peer(name or "", address, told["PublicKey"], told["PresharedKey"])
        if not isinstance(interface, ipaddress.IPv4Interface) or "" in peers:
            raise ValueError("a peer has no name before it, or the address is no IPv4 address")
        public_key_of(head["PrivateKey"])
        port = int(head["ListenPort"])
        return Tunnel(title[1], interface.network, port, int(title[2]), head["PrivateKey"], peers)
    except KeyError as error:
        raise ValueError(f"it has no {error.args[0]}") from None


def _settings(section: str) -> dict[str, str]:
    lines = (_SETTING.fullmatch(line.strip()) for line in section.splitlines())
    return {found[1]: found[2] for found in lines if found}


def new_private_key() -> str:
    """Return a new private key, base64."""
    return base64.b64encode(os.urandom(WIREGUARD_KEY_BYTES)).decode()


def public_key_of(private_key: str) -> str:
    """Return the public key of a private one, both base64 (X25519, which clamps the private key's bits itself).

    Raises:
        ValueError: It is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    try:
        key = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key, validate=True))
    except ValueError:
        raise ValueError("its private key is none") from None
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
