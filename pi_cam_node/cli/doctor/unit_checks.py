"""Checks of the systemd unit: whether it lets the node reach its broker and camera, and write its pictures.

The doctor runs in a shell, where none of the unit's restrictions hold.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pi_cam_node.base.frozen import frozen
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config import Config

CHECK = "unit"
UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
UNIT_NAME, TEMPLATE_NAME = "pi-cam-node.service", "pi-cam-node"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# The names that systemd.resource-control(5) gives to networks.
_NAMED_NETWORKS = {
    "any": ("0.0.0.0/0", "::/0"),
    "localhost": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/64"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
}
# Beneath this everything is read-only under ProtectSystem=strict but StateDirectory and ReadWritePaths.
_STATE_ROOT = Path("/var/lib")


@frozen
class Unit:
    """The settings of an installed unit, its drop-ins included.

    Attributes:
        path: The unit file.
        values: Values by key in the order of the files; an empty assignment has cleared those before it.
        name: What systemctl calls it.
    """

    path: Path
    values: Mapping[str, Sequence[str]]
    name: str

    def runs(self, file: Path | None) -> bool:
        """Return whether it runs the node of a configuration file."""
        return file is not None and str(file.absolute()) in self.words("ExecStart")

    def words(self, key: str) -> list[str]:
        """Return the words of all assignments of a key."""
        return [word for value in self.values.get(key, ()) for word in value.split()]


def find_unit(file: Path | None, folders: Sequence[Path] = UNIT_FOLDERS) -> Unit | None:
    """Return the installed unit that runs a configuration file, else any; ``None`` where there is none to be read.

    Args:
        file: The configuration file; ``/etc/pi_cam_node/yard.yaml`` is run by the instance ``yard`` of the template.
        folders: Where units are.
    """
    instance = f"{TEMPLATE_NAME}@{file.stem}.service" if file is not None else UNIT_NAME
    found = [unit for folder in folders for name in (UNIT_NAME, instance) if (unit := _unit(folder, name)) is not None]
    return next((unit for unit in found if unit.runs(file)), found[0] if found else None)


def _unit(folder: Path, name: str) -> Unit | None:
    """Return a unit with its drop-ins, an instance from its template; ``None`` where it may not be read."""
    template, at, instance = name.removesuffix(".service").partition("@")
    path = folder / f"{template}{at}.service"
    drop_ins = [sorted((folder / f"{one}.d").glob("*.conf")) for one in dict.fromkeys((path.name, name))]
    try:
        texts = [file.read_text("utf-8", "replace") for file in (path, *(file for files in drop_ins for file in files))]
    except OSError:
        return None
    return Unit(path, _values("\n".join(texts).replace("%i", instance)), name.removesuffix(".service"))


def check_unit(unit: Unit, config: Config, file: Path | None) -> Iterator[Finding]:
    """Compare what the unit permits with what these settings need.

    Args:
        unit: The installed unit.
        config: The settings.
        file: Their file; ``None`` where there is none.
    """
    if not unit.runs(file):
        yield ok(CHECK, f"{unit.path} is installed, for another configuration file")
        return
    findings = [*_check_network(unit, config), *_check_folder(unit, config)]
    yield from findings or [ok(CHECK, f"{unit.path} lets the node reach its broker and write its pictures")]


def _check_network(unit: Unit, config: Config) -> Iterator[Finding]:
    denied, allowed = (_networks(unit.words(key)) for key in ("IPAddressDeny", "IPAddressAllow"))
    hosts = {"mqtt.host": config.mqtt.host}
    if "://" in config.camera.source:
        hosts["camera.source"] = urlsplit(config.camera.source).hostname or ""
    for key, host in hosts.items():
        for address in _addresses(host):
            if _matches(address, denied) and not _matches(address, allowed):
                yield failed(
                    CHECK,
                    f"{unit.path} shuts the node out from {key} ({host}, {address})",
                    f"`sudo systemctl edit {unit.name}`: [Service], IPAddressAllow={address}",
                )
                break


def _check_folder(unit: Unit, config: Config) -> Iterator[Finding]:
    if "strict" not in unit.words("ProtectSystem"):
        return
    folder = config.export.base_dir.absolute()
    writable = [Path(path.lstrip("-+")) for path in unit.words("ReadWritePaths")]
    writable += [_STATE_ROOT / name.split(":")[0] for name in unit.words("StateDirectory")]
    if not any(folder.is_relative_to(path) for path in writable):
        yield warning(
            CHECK,
            f"{unit.path} does not let the node write to {folder}",
            f"set export.base_dir to a folder below {writable[-1] if writable else _STATE_ROOT / 'pi-cam-node'}",
        )


def _values(text: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith(("#", ";")):
            continue
        if value.strip():
            values.setdefault(key, []).append(value.strip())
        else:
            values[key] = []
    return values


def _networks(words: Sequence[str]) -> list[Network]:
    named = [network for word in words for network in _NAMED_NETWORKS.get(word, (word,))]
    return [ipaddress.ip_network(network, strict=False) for network in named]


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses of a host; none where it cannot be resolved, which the broker's check reports."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _matches(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
