"""Debian roots made with debootstrap, in which programs are installed from this machine's own mirror.

``DEBIAN_ROOTS`` names a folder in which fresh roots are kept for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

MAKE_S = 600.0


def make_root(suite: str, root: Path) -> None:
    """Create a minimal Debian root of a suite; installed packages start no services.

    Raises:
        RuntimeError: It cannot be created; the message says why.
    """
    mirror = _mirror()
    if shutil.which("debootstrap") is None or not mirror:
        raise RuntimeError("debootstrap or a Debian mirror is missing")
    kept = Path(os.environ.get("DEBIAN_ROOTS", root.parent)) / f"{suite}.tar"
    if kept.exists():
        root.mkdir()
        made = _run(["tar", "-C", str(root), "-xpf", str(kept)])
    else:
        made = _run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(root), mirror])
    if made.returncode:
        raise RuntimeError(f"debootstrap {suite}: {made.stdout[-400:]} {made.stderr[-400:]}")
    if "DEBIAN_ROOTS" in os.environ and not kept.exists():
        _run(["tar", "-C", str(root), "-cpf", str(kept), "."])
    shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc" / "ssl" / "certs" / "ca-certificates.crt")
    for path in Path("/etc/apt/apt.conf.d").glob("99*"):
        shutil.copy(path, root / "etc" / "apt" / "apt.conf.d")
    (root / "etc" / "apt" / "sources.list").write_text(f"deb {mirror} {suite} main\n")
    policy = root / "usr" / "sbin" / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def run_in(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a root, with this machine's network."""
    return _run(["chroot", str(root), *command])


def _mirror() -> str:
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    if shutil.which("apt-get") is None:
        return ""
    known = sorted({line for line in _run(asked).stdout.split() if "debian" in line and "security" not in line})
    return known[0] if known else ""


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=MAKE_S, check=False
    )
