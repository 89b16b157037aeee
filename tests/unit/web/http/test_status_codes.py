"""Mapping of error codes to HTTP status codes."""

from __future__ import annotations

from pi_cam_node.base.errors import CODES
from pi_cam_node.web.http.status_codes import STATUSES, codes_of, status_of


def test_every_code_has_a_status_and_nothing_else_has() -> None:
    assert list(STATUSES) == list(CODES)


def test_only_what_went_well_looks_well() -> None:
    assert [code for code, status in STATUSES.items() if status < 400] == ["ok"]


def test_mistakes_of_the_asker_and_of_the_world_are_told_apart() -> None:
    theirs = {"bad_request", "unknown_verb", "unknown_key", "out_of_range", "read_only", "expired", "retained"}
    assert all(400 <= status_of(code) < 500 for code in theirs)
    ours = {"busy", "camera_down", "no_space", "not_saved", "timeout", "internal"}
    assert all(status_of(code) >= 500 for code in ours)


def test_what_is_no_code_is_a_bug() -> None:
    assert status_of("splendid") == 500
    assert status_of(None) == 500


def test_codes_that_share_a_status_are_listed_together() -> None:
    assert codes_of(503) == ["busy", "camera_down"]
    assert codes_of(418) == []
