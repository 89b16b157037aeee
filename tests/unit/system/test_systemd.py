"""Detection whether the service manager restarts the node."""

from __future__ import annotations

import pytest

from pi_cam_node.system.systemd import RESTARTED_BY, is_restarted


@pytest.mark.parametrize(
    ("environ", "parent_pid", "is_so"),
    [
        ({}, 500, False),
        ({"NOTIFY_SOCKET": "/run/systemd/notify"}, 500, True),
        ({"INVOCATION_ID": "ab"}, 1, True),
        ({"INVOCATION_ID": "ab"}, 500, False),  # a terminal of a desktop session
        ({"INVOCATION_ID": "ab", "SYSTEMD_EXEC_PID": "42"}, 500, True),
        ({"INVOCATION_ID": "ab", "SYSTEMD_EXEC_PID": "41"}, 500, False),
        ({RESTARTED_BY: "console"}, 500, True),
    ],
)
def test_it_is_known_whether_something_starts_the_node_again(
    environ: dict[str, str], parent_pid: int, is_so: bool
) -> None:
    assert is_restarted(environ, 42, parent_pid) is is_so
