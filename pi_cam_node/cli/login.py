"""``pi-cam-node login``: a link, and its QR code, that logs a phone or a browser in without typing the token."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.cli.file_errors import in_words
from pi_cam_node.cli.main import BAD_USE, FAILED, PROGRAM, load
from pi_cam_node.cli.options import file_path
from pi_cam_node.config import Config
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.storage.directory import nearest_directory
from pi_cam_node.system.process import QR_BLOCKS, can_print
from pi_cam_node.web.auth.signed_links import FILE_NAME, SignedLinks
from pi_cam_node.web.http.service import addresses
from pi_cam_node.web.program import LOGIN_LINK_S, endpoint_of


def main(arguments: Sequence[str]) -> int:
    """Print a link to the node of a configuration file; return 0, 1 where its key cannot be had, 2 for wrong use."""
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} login",
        description=f"Prints a link that logs a browser in once, within {LOGIN_LINK_S / 60:g} minutes. Run it on the "
        "node's machine, as the account that the node runs as. With segno (extra console) it prints a QR code too.",
    )
    parser.add_argument("--config", type=file_path, metavar="FILE", help="the settings of the node")
    loaded = load(parser.parse_args(arguments).config)
    if loaded is None:
        return BAD_USE
    key = state_files(loaded.path, os.environ).link_key or loaded.config.export.base_dir / FILE_NAME
    if fault := _fault_of(key):
        print(f"{PROGRAM}: no link: {fault}", file=sys.stderr)
        return FAILED
    link = login_link(loaded.config, key)
    if not key.exists():
        print(f"{PROGRAM}: no link: {key} cannot be written, see above", file=sys.stderr)
        return FAILED
    print(link)
    _print_code(link)
    return 0


def _fault_of(key: Path) -> str:
    """Return why the key of signed links can be neither read nor made; empty if it can be."""
    try:
        key.read_bytes()
    except FileNotFoundError:
        folder = nearest_directory(key.parent)
        if not os.access(folder, os.W_OK | os.X_OK):
            return in_words(PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder))
    except OSError as error:
        return in_words(error)
    return ""


def login_link(config: Config, key: Path) -> str:
    """Return an absolute link that logs in once; the node checks it with the key in the same file."""
    on_machine, public = addresses(endpoint_of(config), config.mjpeg_server.port, is_secure=config.http.tls.enable)
    return (public or on_machine) + SignedLinks(SystemClock(), key).sign("/login", LOGIN_LINK_S)


def _print_code(link: str) -> None:
    try:
        segno = importlib.import_module("segno")
    except ImportError:  # not required
        return
    if can_print(QR_BLOCKS):
        segno.make(link, micro=False).terminal(compact=True)
