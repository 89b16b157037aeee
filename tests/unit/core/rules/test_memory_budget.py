"""The memory budget of the ring."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pi_cam_node.base.units import MIB
from pi_cam_node.config import Config
from pi_cam_node.core.rules.memory_budget import (
    ENCODERS,
    FRAMES_IN_FLIGHT,
    LEAST_RING_BYTES,
    QUEUES_BYTES,
    automatic_budget,
    encoded_budget_bytes,
    frame_bytes_of,
    job_budget_bytes,
    packets_budget_bytes,
    ring_budget_bytes,
    video_budget_bytes,
)


@given(budget=st.integers(0, 1 << 34), width=st.integers(32, 2304), height=st.integers(32, 1728))
def test_the_parts_never_exceed_the_budget_while_a_ring_fits(budget: int, width: int, height: int) -> None:
    config = Config.model_validate({"camera": {"width": width * 2, "height": height * 2}})
    frame_bytes = frame_bytes_of(config)
    room = ring_budget_bytes(config, frame_bytes, budget)
    assert LEAST_RING_BYTES <= room <= config.ring.max_bytes
    if room > LEAST_RING_BYTES:
        video = ENCODERS * encoded_budget_bytes(budget)
        assert room + FRAMES_IN_FLIGHT * frame_bytes + QUEUES_BYTES + video <= budget


def test_the_ring_gives_way_to_packets_of_video_where_any_may_come() -> None:
    def room(budget: int, **recording: str) -> int:
        source = recording.pop("source", "picamera2")
        config = Config.model_validate({"camera": {"source": source}, "recording": recording})
        return ring_budget_bytes(config, frame_bytes_of(config), budget)

    budget = 80 * MIB
    assert room(budget) - room(budget, mode="motion") == packets_budget_bytes(budget) == 10 * MIB
    assert room(budget, mode="motion", pre_roll="pictures") == room(budget, source="synthetic", mode="motion")
    assert room(budget, source="rtsp://cam.lan/1") == room(budget, pre_roll="packets") == room(budget) - 10 * MIB
    assert packets_budget_bytes(1 << 34) == 16 * MIB
    assert packets_budget_bytes(0) == LEAST_RING_BYTES


def test_what_encoders_hold_is_within_the_budget() -> None:
    """Four of them held 8 MiB each beside it: 32 MiB more than a board of 512 MiB had been promised."""
    config, budget = Config(), 64 * MIB
    assert encoded_budget_bytes(budget) == 2 * MIB
    assert video_budget_bytes(config, budget) == ENCODERS * 2 * MIB
    assert ring_budget_bytes(config, 0, budget) == budget - QUEUES_BYTES - ENCODERS * 2 * MIB
    assert (encoded_budget_bytes(0), encoded_budget_bytes(1 << 34)) == (LEAST_RING_BYTES, 8 * MIB)


def test_pictures_that_wait_to_be_saved_do_not_count_on_what_packets_of_video_take() -> None:
    config = Config.model_validate({"camera": {"source": "rtsp://cam.lan/1"}, "ring": {"max_bytes": 20 * MIB}})
    frame_bytes, budget = frame_bytes_of(config), 200 * MIB
    parts = (
        FRAMES_IN_FLIGHT * frame_bytes,
        QUEUES_BYTES,
        video_budget_bytes(config, budget),
        ring_budget_bytes(config, frame_bytes, budget),
        job_budget_bytes(config, frame_bytes, budget),
    )
    assert sum(parts) == budget


def test_a_board_with_512_mib_gets_its_whole_default_ring() -> None:
    config = Config()
    assert ring_budget_bytes(config, frame_bytes_of(config), automatic_budget(300 * MIB)) == config.ring.max_bytes


def test_the_automatic_budget_is_half_of_what_is_free_within_bounds() -> None:
    assert automatic_budget(100 * MIB) == 50 * MIB
    assert automatic_budget(8192 * MIB) == 256 * MIB
