"""Simulated disk: loses unsynced writes at a power cut, may be full, may kill the process at a call.

It guarantees only what POSIX guarantees: the content of synced files, and the names in synced folders. Of the rest, a
power cut loses the newest names, and all or some of the content.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

FREE_BYTES = 1 << 30
# Possible results for content that was never synced: complete, empty, half of it, or zeros.
FATES: tuple[Callable[[bytes], bytes], ...] = (
    lambda content: content,
    lambda _content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: bytes(len(content)),
)


class Killed(BaseException):
    """The process was killed at this call; no further code runs, not even ``finally``."""


class Disk:
    """Records the calls by which a process changes files below a folder, while `watched`.

    Attributes:
        root: The folder.
        is_full: Whether writes fail with ENOSPC.
        calls: Number of changing calls so far.
        kill_after: Number of further calls until the process is killed; ``None``: not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.is_full = False
        self.calls = 0
        self.kill_after: int | None = None
        self._numbers = itertools.count()
        self._names: dict[str, int] = {}
        self._open: dict[int, str] = {}
        self._synced_names: dict[str, int] = {}
        self._synced: dict[int, bytes] = {}
        self._unsynced: list[tuple[str, str | None, int | None]] = []
        self._real = SimpleNamespace(**{name: getattr(os, name) for name in (*self._wrappers(), "rename")})
        self.adopt()

    def adopt(self) -> None:
        """Treat the present content of the folder as synced."""
        files = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        self._names = {str(path): next(self._numbers) for path in files}
        self._synced_names = dict(self._names)
        self._synced = {number: Path(path).read_bytes() for path, number in self._names.items()}
        self._unsynced, self._open = [], {}
        self.kill_after = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record changes of the folder by the code in the block."""
        wrappers = self._wrappers()
        with ExitStack() as patched:
            for name, wrapper in {**wrappers, "rename": wrappers["replace"]}.items():
                patched.enter_context(patch.object(os, name, wrapper))
            yield

    def cut(self, names_kept: int, fate: int) -> None:
        """Simulate a power cut: synced data is kept, and some of the rest.

        Args:
            names_kept: Number of unsynced changes of names that are kept, oldest first.
            fate: Index in `FATES` for unsynced content.
        """
        current = {number: Path(path).read_bytes() for path, number in self._names.items() if Path(path).exists()}
        survivors = dict(self._synced_names)
        for path, source, number in self._unsynced[:names_kept]:
            if source is not None:
                survivors.pop(source, None)
            if number is None:
                survivors.pop(path, None)
            else:
                survivors[path] = number
        for entry in self.root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for path, number in survivors.items():
            Path(path).parent.mkdir(0o700, parents=True, exist_ok=True)
            content = self._synced.get(number)
            Path(path).write_bytes(FATES[fate](current.get(number, b"")) if content is None else content)
            Path(path).chmod(0o600)
        self.adopt()

    @property
    def unsynced(self) -> int:
        """Number of changes of names that a power cut may undo."""
        return len(self._unsynced)

    # ------------------------------------------------------------ the calls

    def _wrappers(self) -> dict[str, Callable[..., Any]]:
        return {
            "open": self._os_open,
            "close": self._os_close,
            "write": self._os_write,
            "fsync": self._os_fsync,
            "link": self._os_link,
            "replace": self._os_replace,
            "unlink": self._os_unlink,
            "mkdir": self._os_mkdir,
            "statvfs": self._os_statvfs,
        }

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, str | Path) and Path(path).is_relative_to(self.root)

    def _change(self, *, needs_room: bool) -> None:
        """Count a changing call; raise if the process is to be killed, or the disk is full."""
        if self.kill_after is not None:
            if self.kill_after <= 0:
                raise Killed
            self.kill_after -= 1
        self.calls += 1
        if needs_room and self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _os_open(self, path: Any, flags: int, *more: Any, **named: Any) -> int:
        if not self._is_ours(path):
            return int(self._real.open(path, flags, *more, **named))
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(path)
        if is_new:
            self._change(needs_room=True)
        descriptor = int(self._real.open(path, flags, *more, **named))
        self._open[descriptor] = str(path)
        if is_new:
            self._names[str(path)] = next(self._numbers)
            self._unsynced.append((str(path), None, self._names[str(path)]))
        return descriptor

    def _os_close(self, descriptor: int) -> None:
        self._open.pop(descriptor, None)
        self._real.close(descriptor)

    def _os_write(self, descriptor: int, data: Any) -> int:
        if descriptor in self._open:
            self._change(needs_room=True)
        return int(self._real.write(descriptor, data))

    def _os_fsync(self, descriptor: int) -> None:
        path = self._open.get(descriptor)
        if path is None:
            self._real.fsync(descriptor)
            return
        self._change(needs_room=False)
        if not Path(path).is_dir():
            self._synced[self._names[path]] = Path(path).read_bytes()
            return
        here = [change for change in self._unsynced if str(Path(change[0]).parent) == path]
        self._unsynced = [change for change in self._unsynced if change not in here]
        self._synced_names = {n: i for n, i in self._synced_names.items() if str(Path(n).parent) != path}
        self._synced_names |= {n: i for n, i in self._names.items() if str(Path(n).parent) == path}

    def _os_link(self, source: Any, path: Any, **named: Any) -> None:
        if self._is_ours(path):
            self._change(needs_room=True)
        self._real.link(source, path, **named)
        if self._is_ours(path):
            self._names[str(path)] = self._names[str(source)]
            self._unsynced.append((str(path), None, self._names[str(path)]))

    def _os_replace(self, source: Any, path: Any, **named: Any) -> None:
        if self._is_ours(path):
            self._change(needs_room=True)
        self._real.replace(source, path, **named)
        if self._is_ours(path):
            number = self._names[str(path)] = self._names.pop(str(source))
            self._unsynced.append((str(path), str(source), number))

    def _os_unlink(self, path: Any, **named: Any) -> None:
        if self._is_ours(path) and os.path.lexists(path):
            self._change(needs_room=False)
        self._real.unlink(path, **named)
        if self._is_ours(path):
            self._names.pop(str(path), None)
            self._unsynced.append((str(path), None, None))

    def _os_mkdir(self, path: Any, *more: Any, **named: Any) -> None:
        if self._is_ours(path):
            self._change(needs_room=True)
        self._real.mkdir(path, *more, **named)

    def _os_statvfs(self, path: Any) -> Any:
        said = self._real.statvfs(path)
        if not self._is_ours(path):
            return said
        free = 0 if self.is_full else FREE_BYTES
        return SimpleNamespace(f_bavail=free // 4096, f_frsize=4096, f_favail=1 << 20, f_files=1 << 21)
