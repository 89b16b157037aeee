"""Says why a file could not be read or written, and what to do: in place of ``[Errno 17] File exists: '…'``."""

from __future__ import annotations

import errno

_ADVICE = {
    errno.EEXIST: "name a new file",
    errno.ENOENT: "check the path, and make the folder first",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file in it",
    errno.EACCES: "run it as the user whose files they are, or with sudo",
    errno.EPERM: "run it as the user whose files they are, or with sudo",
    errno.ENOSPC: "make room on that disk, and run it again",
    errno.EDQUOT: "make room within the quota, and run it again",
    errno.EROFS: "name a place that can be written to",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f), and run it again",
    errno.EIO: "the disk fails: look into the kernel's log with dmesg",
}


def in_words(error: Exception) -> str:
    """Return what went wrong with a file and what to do about it; of any other error its message."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    if error.errno == errno.EBADF:
        return "stdout is closed; send the output to a file, a pipe or /dev/null"
    what = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    advice = _ADVICE.get(error.errno or 0)
    return f"{what}; {advice}" if advice else what
