"""Parsing of an AudioSpecificConfig."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.aac import AacFormat, aac_format


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("1408", AacFormat(16_000, 1)),
        ("1190", AacFormat(48_000, 2)),
        ("1210", AacFormat(44_100, 2)),
        ("158856e500", AacFormat(8_000, 1)),  # as FFmpeg's encoder writes it
        ("2b920800", AacFormat(22_050, 2)),  # with SBR: the core has half of the rate
        ("1780177008", AacFormat(12_000, 1)),  # a rate that the table need not have
    ],
)
def test_rate_and_channels(config: str, expected: AacFormat) -> None:
    assert aac_format(bytes.fromhex(config)) == expected


@pytest.mark.parametrize(
    "config",
    [
        "",
        "14",
        "1400",  # no channels
        "140c",  # frames of 960 samples
        "0c08",  # not LC
        "1688",  # a rate that is reserved
        "2b92",  # cut off
        "1408" + "00" * 7,  # longer than any of AAC-LC
    ],
)
def test_what_cannot_be_copied_has_no_format(config: str) -> None:
    assert aac_format(bytes.fromhex(config)) is None
