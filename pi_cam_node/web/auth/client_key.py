"""Which addresses are one client's."""

from __future__ import annotations

import ipaddress


def client_key(address: str) -> str:
    """Return what stands for one client: an IPv4 address, or the /64 that a house gets in IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
