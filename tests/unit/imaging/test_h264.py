"""Conversion of NAL units from and to Annex B."""

from __future__ import annotations

from pi_cam_node.imaging.h264 import codec_string, has_one_pair, is_start, kind_of, nal_units, parameter_sets, to_sample
from tests.support.h264 import PPS, SPS, access_unit


def test_the_units_of_a_key_frame_are_found_whatever_the_length_of_their_start_codes() -> None:
    data = b"\x00\x00\x01" + SPS + b"\x00\x00\x00\x01" + PPS + b"\x00\x00\x01\x65\x01\x02"
    assert [kind_of(unit) for unit in nal_units(data)] == [7, 8, 5]
    assert list(nal_units(data))[2] == b"\x65\x01\x02"


def test_zeros_between_units_belong_to_none_and_empty_units_are_left_out() -> None:
    data = b"\x00\x00\x01" + SPS + bytes(5) + b"\x01\x00\x00\x01\x65\x01\x00\x00\x00\x00\x01\x41\x02\x00"
    assert list(nal_units(data)) == [SPS, b"\x65\x01", b"\x41\x02\x00"]
    assert to_sample(data) == b"\x00\x00\x00\x02\x65\x01\x00\x00\x00\x03\x41\x02\x00"


def test_the_parameter_sets_are_those_before_the_picture() -> None:
    assert parameter_sets(access_unit(1, key=True)) == (SPS, PPS)
    assert parameter_sets(access_unit(1)) is None


def test_a_sample_is_length_prefixed_and_without_parameter_sets() -> None:
    sample = to_sample(access_unit(1, key=True, size_bytes=10))
    assert int.from_bytes(sample[:4], "big") == len(sample) - 4
    assert sample[4] == 0x65


def test_the_codec_is_named_by_its_profile_and_level() -> None:
    assert codec_string(SPS) == "avc1.42c016"


def test_decoding_starts_with_an_idr_picture_or_a_recovery_point_that_counts_none() -> None:
    recovery = b"\x00\x00\x00\x01\x06\x06\x01"
    assert is_start(access_unit(1, key=True))
    assert not is_start(access_unit(1))
    assert is_start(recovery + b"\xc4\x80" + access_unit(1))
    assert not is_start(recovery + b"\x38\x80" + access_unit(1))


def test_parameter_sets_that_are_repeated_are_one_pair() -> None:
    sets = b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x00\x01" + PPS
    assert has_one_pair(sets + sets)
    assert has_one_pair(access_unit(1))
    assert not has_one_pair(sets + b"\x00\x00\x00\x01" + PPS[:-1] + b"\x81")
