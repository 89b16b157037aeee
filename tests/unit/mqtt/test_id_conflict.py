"""Detection of another node with the same id."""

from __future__ import annotations

import pytest

from pi_cam_node.mqtt.id_conflict import OVER_S, REPEAT_S, IdConflict


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b"{}", b'{"boot":"mine"}', b'{"boot":""}', b'{"boot":7}', b"[" * 100_000],
)
def test_its_own_info_and_noise_are_no_other_node(payload: bytes) -> None:
    conflict = IdConflict("mine", "porch")
    conflict.info_seen(payload, 0.0)
    assert conflict.due(0.0) is None


def test_another_boot_is_told_at_once_repeated_each_minute_and_over_after_a_while() -> None:
    conflict = IdConflict("mine", "porch")
    conflict.info_seen(b'{"boot":"theirs","model":"Raspberry Pi 4"}', 10.0)
    told = conflict.due(10.0)
    assert told is not None
    assert "porch" in told
    assert "theirs" in told
    assert "Raspberry Pi 4" in told
    assert conflict.due(11.0) is None
    assert conflict.due(10.0 + REPEAT_S) == told
    assert conflict.due(10.0 + OVER_S) == ""
    assert conflict.due(11.0 + OVER_S) is None, "once"


def test_what_the_other_one_says_of_itself_is_cut_and_quoted() -> None:
    conflict = IdConflict("mine", "porch")
    conflict.info_seen(b'{"boot":"' + b"\\u0007x" * 5000 + b'"}', 0.0)
    told = conflict.due(0.0)
    assert told is not None
    assert len(told) < 600
    assert told.isprintable()


def test_a_node_without_a_boot_id_looks_for_nothing() -> None:
    conflict = IdConflict("", "porch")
    conflict.info_seen(b'{"boot":"theirs"}', 0.0)
    assert conflict.due(0.0) is None
