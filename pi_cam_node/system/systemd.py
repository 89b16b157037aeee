"""Notifications to the service manager (sd_notify): ready, status, watchdog, stopping.

Source: sd_notify(3): datagrams of ``NAME=value`` lines to the socket named by ``NOTIFY_SOCKET``, whose leading ``@``
stands for the NUL of an abstract address. sd_watchdog_enabled(3): ``WATCHDOG_USEC`` is the longest interval of
``WATCHDOG=1``, for the process ``WATCHDOG_PID`` if given.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

_log = logging.getLogger(__name__)

# Set by a supervisor that restarts the node whenever it exits, such as the console.
RESTARTED_BY = "PI_CAM_NODE_RESTARTED_BY"


class SystemdNotifier:
    """Sends notifications to the service manager; without one they are dropped. Thread: any.

    Attributes:
        watchdog_s: Longest interval of watchdog notifications, in seconds; 0: no watchdog.
    """

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        self.watchdog_s = watchdog_s
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._failed = False

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> SystemdNotifier:
        """Create a notifier from the environment."""
        usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
        is_meant = usec.isdecimal() and (not pid or pid == str(os.getpid()))
        return cls(environ.get("NOTIFY_SOCKET", ""), int(usec) / 1e6 if is_meant else 0.0)

    def say(self, line: str) -> bool:
        """Send a line such as ``READY=1``; never blocks. Return whether it was sent."""
        if not self._address:
            return False
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as way:
                way.sendto(line.encode(), self._address)
        except OSError as error:
            if not self._failed:
                _log.warning("the service manager cannot be notified: %s", error)
            self._failed = True
            return False
        self._failed = False
        return True


def is_restarted(environ: Mapping[str, str], pid: int, parent_pid: int) -> bool:
    """Return whether this process is restarted when it exits, by systemd or a console.

    Source: the manual page systemd.exec. ``INVOCATION_ID`` alone is not enough: a terminal of a desktop session has it.

    Args:
        environ: The environment.
        pid: Id of this process.
        parent_pid: Id of its parent.
    """
    is_main_process = environ.get("SYSTEMD_EXEC_PID") == str(pid) or parent_pid == 1
    is_unit = "NOTIFY_SOCKET" in environ or ("INVOCATION_ID" in environ and is_main_process)
    return is_unit or bool(environ.get(RESTARTED_BY))
