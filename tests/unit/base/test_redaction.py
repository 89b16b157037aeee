"""Masking of logins and secrets in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.redaction import without_logins


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:hunter2@porch.example/live",
        "rtsp://admin:hun/ter2@porch.example:554/live",
        "rtsp://admin:hunter2@home@porch.example/live",
        "rtsps://hunter2@porch.example/",
        "rtsp://porch.example/live?user=admin&password=hunter2",
        "rtsp://porch.example:554/user=admin&password=hunter2&channel=1&stream=0.sdp",
        "rtsp://porch.example/user=admin_password=hunter2_channel=1.sdp",
        "rtsp://porch.example/live?Token=hunter2#x",
    ],
)
def test_no_part_of_a_login_is_left(address: str) -> None:
    shown = without_logins(address)
    assert "hunter2" not in shown
    assert "ter2" not in shown
    assert shown.startswith("rtsp")


@pytest.mark.parametrize("harmless", ["rtsp://porch.example:554/live?channel=1", "file:films/a@b.avi", "no frames", ""])
def test_what_holds_no_login_stays_as_it_is(harmless: str) -> None:
    assert without_logins(harmless) == harmless


def test_every_address_of_a_line_is_cleaned_and_the_rest_stays() -> None:
    line = "trying 'rtsp://a:hunter2@one/x' ... then rtsp://b:hunter2@two/y failed: 401"
    assert without_logins(line) == "trying 'rtsp://********@one/x' ... then rtsp://********@two/y failed: 401"


@given(st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="\"'<>"), min_size=1))
def test_no_password_survives(password: str) -> None:
    marked = f"QQ{password}QQ"
    assert marked not in without_logins(f"rtsp://user:{marked}@porch.example/live")


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert without_logins(without_logins(text)) == without_logins(text)
