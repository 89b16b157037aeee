"""Folder of the files for remote access: layout, and files kept from an earlier run."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from pi_cam_node.base import atomic_files
from pi_cam_node.cli.remote.tunnel import HOUSE, HUB, Tunnel, read_hub_file

TEMPLATES = Path(__file__).parent / "templates"
SECRET_MODE, FILE_MODE, SCRIPT_MODE, FOLDER_MODE = 0o600, 0o644, 0o755, 0o700
QR_SCALE = 6


class RemoteFolder:
    """Files for remote access below one folder. Key files are never overwritten; replaced files are kept as ``.bak``.

    Args:
        path: The folder; created if missing, for its owner only.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: list[Path] = []
        self._keys = path / "wireguard"

    @property
    def hub_path(self) -> Path:
        """File of the hub."""
        return self._keys / f"{HUB}.conf"

    def peer_path(self, name: str) -> Path:
        """File of the house or of a phone."""
        return self._keys / f"{name}.conf"

    def tunnel(self) -> Tunnel | None:
        """Return the tunnel of an earlier run; ``None`` if there was none.

        Raises:
            OSError: The hub's file cannot be read.
            ValueError: The file was not written by this command; the message names it.
        """
        try:
            text = self.hub_path.read_text("utf-8")
        except FileNotFoundError:
            return None
        try:
            return read_hub_file(text)
        except ValueError as error:
            raise ValueError(f"{self.hub_path}: {error}") from None

    def strangers(self, tunnel: Tunnel) -> list[str]:
        """Return the names of key files that belong to no peer of a tunnel, nor to its hub."""
        known = {HUB, *tunnel.peers}
        return sorted(path.name for path in self._keys.glob("*.conf") if path.stem not in known)

    def remove_peer(self, name: str) -> None:
        """Remove the file of a peer, and its QR code."""
        for suffix in (".conf", ".png"):
            (self._keys / f"{name}{suffix}").unlink(missing_ok=True)

    def write_hub(self, tunnel: Tunnel) -> None:
        """Write the hub's file with old and new peers."""
        self._replace(self.hub_path, tunnel.hub_file(), SECRET_MODE, keeps_old=False)

    def write_peer(self, tunnel: Tunnel, name: str, private_key: str) -> None:
        """Write the file of a new peer, for a phone also its QR code.

        Raises:
            OSError: It cannot be written, or exists already.
        """
        is_house = name == HOUSE
        text = tunnel.house_file(private_key) if is_house else tunnel.phone_file(name, private_key)
        path = self.peer_path(name)
        atomic_files.create_atomically(path, text.encode(), SECRET_MODE)
        self.written.append(path)
        if not is_house:
            atomic_files.replace_atomically(path.with_suffix(".png"), qr_picture(text), SECRET_MODE)
            self.written.append(path.with_suffix(".png"))

    def write_site(self, tunnel: Tunnel) -> None:
        """Write the proxy's site file, the server's script, and the instructions."""
        words = {
            "NAME": tunnel.server_name,
            "CONSOLE": f"{tunnel.house_address}:{tunnel.console_port}",
            "CONSOLE_PORT": str(tunnel.console_port),
            "HUB": str(tunnel.hub_address),
            "HOUSE": str(tunnel.house_address),
            "UDP_PORT": str(tunnel.port),
            "FOLDER": str(self.path),
            "PHONES": ", ".join(tunnel.phones) or "none yet",
        }
        self._replace(self.path / "nginx" / "site.conf", filled("site.conf", words), FILE_MODE)
        self._replace(self.path / "server-setup.sh", filled("server-setup.sh", {}), SCRIPT_MODE)
        self._replace(self.path / "README.md", filled("README.md", words), FILE_MODE)

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.path, self._keys):
            atomic_files.make_directory(folder, FOLDER_MODE)
        atomic_files.make_directory(self.path / "nginx", FOLDER_MODE)

    def _replace(self, path: Path, text: str, mode: int, *, keeps_old: bool = True) -> None:
        old = path.read_bytes() if path.exists() else None
        if old == text.encode():
            return
        if old is not None and keeps_old:
            atomic_files.replace_atomically(path.with_name(f"{path.name}.bak"), old, mode)
        atomic_files.replace_atomically(path, text.encode(), mode)
        self.written.append(path)


def filled(template: str, words: dict[str, str]) -> str:
    """Return a template with each ``@WORD@`` replaced."""
    text = (TEMPLATES / template).read_text("utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def qr_picture(text: str) -> bytes:
    """Return a text as the PNG of a QR code."""
    import segno  # noqa: PLC0415 - an extra

    picture = io.BytesIO()
    segno.make(text, error="l", micro=False).save(picture, kind="png", scale=QR_SCALE)
    return picture.getvalue()


def names_in_words(paths: Iterable[Path], folder: Path) -> str:
    """Return paths as a list of lines, relative to a folder."""
    return "\n".join(f"  {path.relative_to(folder)}" for path in paths)
