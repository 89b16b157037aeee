"""The search for the broker's packet limit."""

from __future__ import annotations

from pi_cam_node.mqtt.connection.size_probe import ECHO_TIMEOUT_S, LEAST_BYTES, SizeProbe, Sizes


class Wire:
    """What a search sends, with a broker that takes packets up to a limit."""

    def __init__(self, proven: int, suspect: int, limit: int, *, echoes: bool = True) -> None:
        self.sent: list[int] = []
        self.subscribed = 0
        self.probe = SizeProbe(Sizes(proven, suspect), self._subscribe, self._send)
        self._limit, self._echoes = limit, echoes

    def _subscribe(self) -> None:
        self.subscribed += 1

    def _send(self, size: int) -> int:
        self.sent.append(size)
        return len(self.sent)

    def run(self) -> tuple[int, int | None] | None:
        """Acknowledge everything, return what passes the limit where it may be read, and let time pass."""
        answered = 0
        for now_s in range(1, 200):
            if (result := self.probe.step(now_s)) is not None:
                assert self.probe.step(now_s + 1) is None, "told once"
                return result
            while len(self.sent) > answered:
                size, answered = self.sent[answered], answered + 1
                self.probe.acknowledged(answered, now_s)
                if self._echoes and size <= self._limit:
                    self.probe.echoed()
        return None


def test_sizes_double_up_to_the_suspect_and_all_of_them_come_back() -> None:
    wire = Wire(1500, 10_000, 1 << 20)
    assert wire.run() == (10_000, None)
    assert wire.sent == [1500, 3000, 6000, 10_000]
    assert wire.subscribed == 1


def test_what_is_acknowledged_and_does_not_come_back_was_thrown_away() -> None:
    wire = Wire(0, 30_000, 5000)
    assert wire.run() == (4 * LEAST_BYTES, 8 * LEAST_BYTES)


def test_where_not_even_the_first_comes_back_acknowledgements_must_do() -> None:
    wire = Wire(0, 3000, 0, echoes=False)
    assert wire.run() == (3000, None)


def test_a_search_that_is_under_way_says_how_far_it_came() -> None:
    wire = Wire(1024, 5000, 1 << 20)
    assert wire.probe.under_way is None, "nothing was sent yet"
    wire.probe.step(0.0)
    assert wire.probe.under_way == (0, 1024)
    wire.probe.echoed()
    assert wire.probe.under_way == (1024, 2048)


def test_the_acknowledgement_of_another_message_is_none() -> None:
    wire = Wire(1024, 5000, 1 << 20)
    wire.probe.step(0.0)
    assert not wire.probe.acknowledged(77, 0.0)
    assert wire.probe.step(ECHO_TIMEOUT_S + 1) is None
    assert wire.sent == [1024]
