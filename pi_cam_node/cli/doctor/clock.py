"""Whether the clock of this machine is right, as far as it knows."""

from __future__ import annotations

from pi_cam_node.base.time_sync import IsClockSynced
from pi_cam_node.cli.doctor.finding import Finding, ok, warning

CHECK = "clock"


def check(is_set: IsClockSynced) -> Finding:
    """Judge what the kernel says of the clock."""
    if is_set():
        return ok(CHECK, "synchronised")
    return warning(
        CHECK,
        "not synchronised: names and times of pictures may be wrong, and age limits do not apply",
        "`timedatectl` tells more; `apt-get install systemd-timesyncd` or chrony keeps it right",
    )
