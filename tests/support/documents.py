"""Runs the commands of a Markdown document unchanged, in namespaces that simulate a machine.

The machine is a network namespace in which the usual ports are free and the documents' host names are loopback, and a
mount namespace in which /etc, /mnt, /run and /var may be written without a trace. Programs of `stand_ins` come first in
PATH: they stand for what a test must not or cannot do (packages, accounts, the service manager, cameras, other
machines), and refuse arguments that make no sense.

Blocks of a document, in order:
* ``sh`` and ``console`` (there the lines after ``$ ``): run by one shell, which ends at the first failure;
* any other with a path in a comment on its first or second line (``# my.yaml``): written to that path;
* a block below ``<!-- not run: reason -->`` is left out.

A line ``pi-cam-node run …`` starts a node on the synthetic camera in the background, in place of the one before, and
goes on when it answers; one with ``console …`` starts the console. ``scripts/run`` and ``scripts/run house`` run
until they have said what to do next, and are stopped then.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STAND_INS = Path(__file__).parent / "stand_ins"
BLOCK = re.compile(
    r"(?:^ *<!-- not run: ([^\n]+) -->\n+)?^( *)```([\w-]*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL
)
FILE_NAME = re.compile(r"(?:#|//|<!--)\s+([\w./~-]+\.\w+)\s*(?:-->)?\s*$")
# Languages of blocks with data, not commands.
DATA = ("conf", "html", "ini", "json", "nginx", "yaml")
# First word of a command line.
TYPED = re.compile(
    r"^ *(?:\$ |sudo |pi-cam-node |scripts/|examples/|mosquitto_"
    r"|(?:apt|curl|docker|git|npm|pip|python3?|systemctl|journalctl) )",
    re.MULTILINE,
)
# Commands that do not end by themselves, and their replacements.
ENDLESS = (
    (re.compile(r"^(?:pi-cam-node|scripts/run) run ", re.MULTILINE), "run_in_background "),
    (re.compile(r"^(?:pi-cam-node|scripts/run) console (--config \S+)$", re.MULTILINE), r"console_in_background \1"),
    (re.compile(r"^scripts/run(?: +#.*)?$", re.MULTILINE), "run_until 'first brightness' scripts/run"),
    (re.compile(r"^scripts/run house(?: +#.*)?$", re.MULTILINE), "run_until 'Make your account' scripts/run house"),
)
# "$2" of run_in_background is the configuration file.
FUNCTIONS = """
sleep() {
    command sleep $(($1 * SLOWER))
}
node_pid=
run_in_background() {
    if [ -n "$node_pid" ]; then kill "$node_pid"; wait "$node_pid" || true; fi
    PI_CAM_NODE__CAMERA__SOURCE=synthetic pi-cam-node run "$@" >>"$STAND_INS/run.log" 2>&1 &
    node_pid=$!
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        if pi-cam-node call --timeout 3 --config "$2" save jpg >/dev/null 2>&1; then return; fi
        sleep 1
    done
    cat "$STAND_INS/run.log" >&2
    return 1
}
console_in_background() {
    pi-cam-node console "$@" >"$STAND_INS/console.log" 2>&1 &
    timeout 120 sh -c 'until curl -s -o "$STAND_INS/console.html" http://127.0.0.1:8090/; do sleep 0.2; done' || {
        cat "$STAND_INS/console.log" >&2
        return 1
    }
}
run_until() {
    said=$1
    shift
    "$@" >"$STAND_INS/said" 2>&1 &
    timeout 120 sh -c 'until grep -q "$1" "$STAND_INS/said"; do sleep 0.2; done' sh "$said" || {
        cat "$STAND_INS/said" >&2
        return 1
    }
    kill $!
    wait $!
}
"""
TIMEOUT_S = 300.0
HOSTS = ("localhost", "broker.lan", "porch.lan", "cam.example.org", "nas.lan")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        language: Language after the fence.
        text: Its text without indentation.
        line: Number of its first line.
        not_run: Why its commands cannot be run in a test; empty if they are.
    """

    language: str
    text: str
    line: int
    not_run: str = ""

    @property
    def file(self) -> str | None:
        """The path in one of the first two lines; ``None`` if the block is not a file."""
        if self.language in ("sh", "console") or self.not_run:
            return None
        first = self.text.splitlines()[:2]
        return next((found[1] for line in first if (found := FILE_NAME.match(line))), None)

    @property
    def commands(self) -> str:
        """The commands of the block that are run; empty for none."""
        if self.not_run:
            return ""
        if self.language == "sh":
            return self.text
        if self.language == "console":
            return "\n".join(line[2:] for line in self.text.splitlines() if line.startswith("$ "))
        return ""

    @property
    def fault(self) -> str:
        """Why no test checks the block; empty if it is run, written to a file, data or a drawing."""
        if self.not_run or self.commands or self.file is not None or self.language in DATA:
            return ""
        if self.language in ("", "text"):
            typed = TYPED.search(self.text)
            return f"`{self.text[typed.start() :].splitlines()[0]}` is not run: make it a block `sh`" if typed else ""
        return f"a block `{self.language}` is neither run nor written: `sh`, a path in its first line, or `not run: …`"


def blocks_of(document: Path) -> list[Block]:
    """Return the fenced blocks of a document."""
    text, found = document.read_text(), []
    for match in BLOCK.finditer(text):
        reason, indent, language, body = match.groups()
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        line = text.count("\n", 0, match.start(2)) + 1
        found.append(Block(language, "\n".join(lines), line, (reason or "").strip()))
    return found


def script_of(document: Path, folder: Path) -> str:
    """Return the shell script of a document's commands; files of its blocks are stored below ``folder``."""
    lines = ["set -euo pipefail", FUNCTIONS]
    for number, block in enumerate(blocks_of(document)):
        if block.file is not None:
            content = folder / f"block{number}"
            content.write_text(block.text + "\n")
            path = block.file if block.file.startswith(("/", "~")) else shlex.quote(block.file)
            lines += [f"mkdir -p $(dirname {path})", f"cp {content} {path}"]
        elif block.commands:
            commands = block.commands
            for typed, done in ENDLESS:
                commands = typed.sub(done, commands)
            lines += [f"echo '=== {document.name}:{block.line}' >&2", commands]
    return "\n".join(lines) + "\n"


def why_not() -> str:
    """Return why namespaces cannot be created here; empty if they can."""
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip()


def _unshare() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def run_document(document: Path, folder: Path, *, before: str, after: str = "", slower: int = 1) -> str:
    """Run a document's commands in ``folder``/work; return their output. Fails with the output if one fails.

    Args:
        document: The Markdown file.
        folder: An empty folder.
        before: Shell commands that prepare the machine: broker, node and the like.
        after: Shell commands that check the result.
        slower: Factor of each `sleep`.
    """
    if reason := why_not():
        pytest.skip(f"no namespaces can be made here: {reason}")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    (folder / "hosts").write_text(f"127.0.0.1 {' '.join(HOSTS)}\n::1 localhost\n")
    (folder / "bin").mkdir()
    for stand_in in STAND_INS.iterdir():
        (folder / "bin" / stand_in.name).symlink_to(stand_in)
    _launcher(folder / "bin" / "pi-cam-node")
    machine = f"""set -eu
        ip link set lo up
        mkdir -p {folder}/layers
        mount -t tmpfs tmpfs {folder}/layers
        for where in etc mnt run var; do
            upper={folder}/layers/upper/$where work={folder}/layers/work/$where
            mkdir -p $upper $work
            mount -t overlay overlay -o lowerdir=/$where,upperdir=$upper,workdir=$work /$where
        done
        cp {folder}/hosts /etc/hosts
        cd {work}
        {before}
        exec bash -e {folder}/script.sh
    """
    (folder / "script.sh").write_text(script_of(document, folder) + after)
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
        "HOME": str(work),
        "USER": "you",
        "STAND_INS": str(folder),
        "SLOWER": str(slower),
        "LANG": "C.UTF-8",
    }
    command = [*_unshare(), "bash", "-c", machine]
    try:
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        said = f"{late.stdout!r}\n{late.stderr!r}"  # bytes, whatever was asked for
        raise AssertionError(f"{document.name}: not done within {TIMEOUT_S:g} s\n{said}") from None
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, f"{document.name}: exit code {done.returncode}\n{said[-6000:]}"
    return said


def _launcher(path: Path) -> None:
    """Write the program ``pi-cam-node`` of this checkout."""
    path.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m pi_cam_node "$@"\n')
    path.chmod(0o755)
