"""How long the HTTP server and the console wait for the reply to a command."""

from __future__ import annotations

from pi_cam_node.core.commands.reply_deadlines import CLIP_MAX_S, WORK_TIMEOUT_S, reply_deadline_s


def test_a_stack_and_a_clip_are_waited_for_longer_than_the_node_allows_itself() -> None:
    """Over HTTP a clip was given up after 30 s, and over the console one of a future longer than half a minute."""
    assert reply_deadline_s("pastStack", 30.0) > WORK_TIMEOUT_S
    assert reply_deadline_s("clip", 30.0) > CLIP_MAX_S + WORK_TIMEOUT_S
    assert reply_deadline_s("save", 30.0) == 30.0
