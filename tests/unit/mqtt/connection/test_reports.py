"""What the link reports to the node and to the log."""

from __future__ import annotations

from pi_cam_node.core.inbox import Inbox
from pi_cam_node.mqtt.connection.reports import WARNINGS, LinkReports


def test_each_subject_is_logged_once_and_a_bounded_number_of_them() -> None:
    reports = LinkReports(Inbox())
    logged = [reports.warn_once(f"topic {number}", "it is refused") for number in range(WARNINGS + 10)]
    assert logged == [True] * WARNINGS + [False] * 10
    assert not reports.warn_once("topic 0", "it is refused")
