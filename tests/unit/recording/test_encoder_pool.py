"""Sharing of encoders."""

from __future__ import annotations

import pytest

from pi_cam_node.base.errors import Busy
from pi_cam_node.imaging.packet import Packet, PacketFacts, Track, pts_of
from pi_cam_node.recording.encoder_pool import EncoderPool, LiveSupply
from pi_cam_node.recording.live_encoder import LiveEncoder
from tests.support.fakes.clock import FakeClock
from tests.support.h264 import access_unit


def unused() -> object:
    raise AssertionError("no process is started: the threads do not run")


def pool_of(count: int) -> EncoderPool:
    clock = FakeClock()
    return EncoderPool([LiveEncoder(lambda _mono_s: unused(), clock, unused) for _ in range(count)])  # type: ignore[arg-type, return-value]


def fill(encoder: LiveEncoder, first_s: float, seconds: int, size_bytes: int = 200) -> None:
    track = encoder.stream.begin(Track((640, 480)))
    for step in range(seconds * 10):
        mono_s, key = first_s + step / 10, step % 10 == 0
        data = access_unit(step, key=key, size_bytes=size_bytes)
        encoder.stream.append(Packet(mono_s, key, data, PacketFacts(pts_of(mono_s), track=track)))


def test_who_needs_what_is_encoded_already_shares_it() -> None:
    pool = pool_of(2)
    live = pool.acquire(100.0)
    fill(live, 100.0, 8)
    recording = pool.acquire(103.0)
    assert recording is live
    first = live.stream.reader_since(103.0).next()
    assert first is not None
    assert (first[0].mono_s, first[0].key) == (103.0, True)


def test_who_needs_an_earlier_past_gets_an_encoder_of_its_own() -> None:
    pool = pool_of(2)
    assert pool.acquire(100.0) is not pool.acquire(95.0)


def test_who_needs_fewer_pictures_gets_an_encoder_of_its_own() -> None:
    pool = pool_of(2)
    assert pool.acquire(100.0, 0.5) is not pool.acquire(100.0)


def test_what_the_ring_of_packets_dropped_is_encoded_again() -> None:
    pool = pool_of(2)
    live = pool.acquire(100.0)
    fill(live, 100.0, 20, size_bytes=60_000)
    assert pool.acquire(101.0) is not live


def test_an_encoder_ends_with_its_last_user() -> None:
    pool = pool_of(1)
    first, second = pool.acquire(100.0), pool.acquire(100.0)
    fill(first, 100.0, 1)
    stream = first.stream
    pool.release(first)
    assert stream.size_bytes > 0
    pool.release(second)
    assert stream.size_bytes == 0
    assert not first.has(100.0, 0.0)


def test_a_new_user_sees_nothing_of_the_one_before() -> None:
    pool = pool_of(1)
    first = pool.acquire(100.0)
    fill(first, 100.0, 1)
    pool.release(first)
    again = pool.acquire(50.0)
    assert again.stream.reader_since(50.0).next() is None


def test_more_users_than_encoders_that_cannot_share_are_refused() -> None:
    pool = pool_of(1)
    pool.acquire(100.0)
    with pytest.raises(Busy):
        pool.acquire(90.0)


def test_a_clip_shares_an_encode_and_begins_none() -> None:
    pool = pool_of(1)
    assert pool.share(100.0) is None
    live = pool.acquire(100.0)
    fill(live, 100.0, 2)
    assert pool.share(99.0) is None, "it does not reach back so far"
    assert pool.share(101.0) is live
    pool.release(live)
    assert live.stream.size_bytes > 0, "the clip still reads it"
    pool.release(live)
    assert live.stream.size_bytes == 0


def test_a_clip_has_every_picture() -> None:
    pool = pool_of(1)
    pool.acquire(100.0, 0.5)
    assert pool.share(100.0) is None


def test_pictures_may_be_left_out_while_there_are_viewers_alone() -> None:
    pool = pool_of(1)
    live = LiveSupply(pool)
    encoder = live.acquire(100.0)
    assert encoder.may_skip
    recording, clip = pool.acquire(100.0), pool.share(100.0)
    assert (recording, clip, encoder.may_skip) == (encoder, encoder, False)
    pool.release(encoder)
    assert not encoder.may_skip
    pool.release(encoder)
    assert encoder.may_skip
    live.release(encoder)
    assert not encoder.has(100.0, 0.0, is_live=True)
