"""``pi-cam-node remote``: writes the files for remote access to the console."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import re
import sys
from collections.abc import Sequence

from pi_cam_node.base.extras import install_command
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.cli.main import BAD_USE, PROGRAM
from pi_cam_node.cli.options import file_path
from pi_cam_node.cli.remote.folder import RemoteFolder, names_in_words
from pi_cam_node.cli.remote.tunnel import HOUSE, HUB, PEER_NAME, Tunnel, new_private_key
from pi_cam_node.system.process import QR_BLOCKS, can_print

# Of the extra ``console``, by the names under which they are imported.
NEEDED = ("cryptography", "segno")
DEFAULT_NETWORK, DEFAULT_PORT, DEFAULT_CONSOLE_PORT = "10.77.0.0/24", 51820, 8090
PREFIX_MAX = 29
HOST_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


class Refused(Exception):
    """A request cannot be carried out; nothing was changed."""


def main(arguments: Sequence[str]) -> int:
    """Write the files; return the exit code: 0, 2 where nothing was changed."""
    options = _parser().parse_args(arguments)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"{PROGRAM} remote needs {' and '.join(missing)}: `{install_command('console')}`", file=sys.stderr)
        return BAD_USE
    folder = RemoteFolder(options.out)
    try:
        tunnel = _write(folder, options)
    except (Refused, ValueError, OSError) as error:
        print(f"{PROGRAM} remote: {in_words(error)}", file=sys.stderr)
        return BAD_USE
    if folder.written:
        print(f"written below {folder.path}:\n{names_in_words(folder.written, folder.path)}")
    else:
        print(f"{folder.path} is as it should be: nothing was written")
    print(f"what to do with them: {folder.path / 'README.md'} ({tunnel.server_name})")
    return 0


def _write(folder: RemoteFolder, options: argparse.Namespace) -> Tunnel:
    """Create or update the files of a folder; return its tunnel.

    Raises:
        Refused, ValueError: The request is refused; nothing was changed.
        OSError: A file could not be written.
    """
    earlier = folder.tunnel()
    phones = list(dict.fromkeys(options.phone))
    if earlier is None:
        tunnel = _new(options)
    elif options.new_keys:
        _ask_for_new_keys(folder, options)
        tunnel, phones = _new(options), list(dict.fromkeys([*earlier.phones, *phones]))
    else:
        tunnel = _same(earlier, options, folder)
    if strangers := folder.strangers(earlier or tunnel):
        raise Refused(f"{folder.path} holds {', '.join(strangers)}, which no hub.conf knows; move them away first")
    for name in options.remove:
        tunnel = tunnel.without_peer(name)
    keys: dict[str, str] = {}
    for name in (HOUSE, *phones):
        if name not in tunnel.peers:
            tunnel, keys[name] = tunnel.with_peer(name)
    folder.make()
    for name in {*options.remove, *(keys if options.new_keys else ())}:
        folder.remove_peer(name)
    for name, key in keys.items():
        folder.write_peer(tunnel, name, key)
    folder.write_hub(tunnel)
    folder.write_site(tunnel)
    _show(folder, [name for name in keys if name != HOUSE])
    return tunnel


def _new(options: argparse.Namespace) -> Tunnel:
    """Return a new tunnel, without peers."""
    network = options.network or ipaddress.IPv4Network(DEFAULT_NETWORK)
    port, console_port = options.port or DEFAULT_PORT, options.console_port or DEFAULT_CONSOLE_PORT
    return Tunnel(options.name, network, port, console_port, new_private_key())


def _same(earlier: Tunnel, options: argparse.Namespace, folder: RemoteFolder) -> Tunnel:
    """Return the tunnel of an earlier run.

    Raises:
        Refused: The options contradict the existing files.
    """
    for what, was, now in (
        ("--name", earlier.server_name, options.name),
        ("--network", earlier.network, options.network),
        ("--port", earlier.port, options.port),
        ("--console-port", earlier.console_port, options.console_port),
    ):
        if now is not None and now != was:
            raise Refused(f"{folder.path} is for {what} {was}, not {now}; take another folder, or --new-keys")
    return earlier


def _ask_for_new_keys(folder: RemoteFolder, options: argparse.Namespace) -> None:
    question = f"Replace every key in {folder.path}? The server, the house and each phone need their files again."
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{question} Say so with --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise Refused("nothing was changed")


def _show(folder: RemoteFolder, phones: Sequence[str]) -> None:
    """Print the QR codes of new phones on the terminal."""
    if not sys.stdout.isatty() or not can_print(QR_BLOCKS):
        return
    import segno  # noqa: PLC0415 - an extra

    for name in phones:
        print(f"{name}: scan this with the WireGuard app")
        segno.make(folder.peer_path(name).read_text("utf-8"), error="l", micro=False).terminal(compact=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} remote",
        description="Write the files for access to the console from outside: WireGuard files for a rented server, the "
        "house and phones, the server's nginx site, the script that sets it up, and a page that says what to do.",
        epilog="Run again with --phone to add one: keys that exist stay. Nothing is sent anywhere.",
    )
    parser.add_argument("--name", type=_host_name, required=True, metavar="HOST", help="such as cam.example.org")
    parser.add_argument(
        "--out", type=file_path, required=True, metavar="FOLDER", help="where to write; holds private keys"
    )
    parser.add_argument("--phone", type=_phone, action="append", default=[], metavar="NAME", help="a phone; repeatable")
    parser.add_argument("--remove", action="append", default=[], metavar="NAME", help="a lost phone; repeatable")
    parser.add_argument(
        "--console-port",
        type=_port,
        metavar="PORT",
        help=f"console.port of the house (default {DEFAULT_CONSOLE_PORT})",
    )
    parser.add_argument(
        "--network", type=_network, metavar="NET", help=f"addresses in the tunnel (default {DEFAULT_NETWORK})"
    )
    parser.add_argument("--port", type=_port, metavar="PORT", help=f"the server's UDP port (default {DEFAULT_PORT})")
    parser.add_argument("--new-keys", action="store_true", help="replace every key by a new one, after asking")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _host_name(text: str) -> str:
    name = text.lower()
    if not HOST_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{text!r} is no host name such as cam.example.org")
    return name


def _phone(text: str) -> str:
    if text in {HUB, HOUSE} or not PEER_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} names no phone: 1 to 32 of a–z, 0–9, _ and -, not {HUB} or {HOUSE}")
    return text


def _network(text: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not network.is_private or network.prefixlen > PREFIX_MAX:
        raise argparse.ArgumentTypeError(f"{text} is no private network of /{PREFIX_MAX} or larger")
    return network


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)
