"""How many messages go out within a second."""

from __future__ import annotations

from pi_cam_node.mqtt.pacing import WINDOW_S, Pacing


def test_no_second_holds_more_than_the_rate() -> None:
    pacing, sent_s = Pacing(), []
    for step in range(1000):
        now_s = step / 100
        if pacing.has_room(7, now_s):
            pacing.sent(now_s)
            sent_s.append(now_s)
    assert max(sum(first <= other < first + WINDOW_S for other in sent_s) for first in sent_s) == 7
    assert len(sent_s) >= 60, "and it is made use of"
