"""Simulated hosts: processes in their own network, mount and process namespaces, connected by virtual cables."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.broker import wait_until

START_S = 60.0


class NamespaceHost:
    """A simulated host; its processes end with it.

    Args:
        folder: Folder for its output.
        hosts: Text of its ``/etc/hosts``.
        root: Root folder, such as one by debootstrap; ``None``: this machine's files.
    """

    def __init__(self, folder: Path, hosts: str, root: Path | None = None) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        etc_hosts = folder / "hosts"
        etc_hosts.write_text(hosts)
        self._root = root
        self._programs: list[subprocess.Popen[bytes]] = []
        where = str(root or "")
        setup = f"""set -e
            mkdir -p {where}/run {where}/etc/wireguard
            mount -t tmpfs tmpfs {where}/run
            [ -n "{where}" ] || mount -t tmpfs tmpfs /etc/wireguard
            touch {where}/etc/hosts
            mount --bind {etc_hosts} /etc/hosts
            [ -z "{where}" ] || mount --bind {etc_hosts} {where}/etc/hosts
            ip link set lo up
            if [ -n "{where}" ]; then
                mount -t proc proc {where}/proc
                mkdir -p {where}/dev/net
                mount --bind /dev {where}/dev
            fi
            touch {folder}/ready
            exec sleep 3600
        """
        command = [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "bash",
            "-c",
            setup,
        ]
        with (folder / "host.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: (folder / "ready").exists() or self._process.poll() is not None, "a namespace", START_S)
        assert self._process.poll() is None, (folder / "host.log").read_text()
        self.pid: int = psutil.Process(self._process.pid).children()[0].pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # ends all processes in its namespace
        for process in (self._process, *self._programs):
            process.wait(START_S)

    @property
    def network(self) -> list[str]:
        """Prefix of commands to run in this host's network, with this machine's files."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid"]

    @property
    def within(self) -> list[str]:
        """Prefix of commands to run on this host."""
        return [*self.network, "chroot", str(self._root)] if self._root else self.network

    def run(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, timeout_s: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; return its exit code and its output."""
        return subprocess.run(
            [*self.within, *map(str, command)],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def check(
        self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *, timeout_s: float = 120.0
    ) -> str:
        """Run a command that must succeed; return its output."""
        done = self.run(command, environment, timeout_s=timeout_s)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] | None = None,
    ) -> None:
        """Start a program that runs until this host ends; ``within`` is the host, or its `network` alone."""
        with (self._folder / "programs.log").open("ab") as log:
            self._programs.append(
                subprocess.Popen(
                    [*(self.within if within is None else within), *map(str, command)],
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    @property
    def log(self) -> str:
        """Output of the host's programs."""
        path = self._folder / "programs.log"
        return path.read_text(errors="replace") if path.exists() else ""


def connect(one: NamespaceHost, other: NamespaceHost, name: str, addresses: tuple[str, str]) -> None:
    """Connect two hosts by a virtual cable: an interface ``name`` on each, with an address such as ``192.0.2.1/24``."""
    ends = ["ip", "link", "add", name, "netns", str(one.pid), "type", "veth"]
    subprocess.run([*ends, "peer", "name", name, "netns", str(other.pid)], check=True, timeout=START_S)
    for host, address in zip((one, other), addresses, strict=True):
        host.check(["ip", "addr", "add", address, "dev", name])
        host.check(["ip", "link", "set", name, "up"])
