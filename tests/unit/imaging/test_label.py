"""The text in pictures."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest

from pi_cam_node.imaging.frame import Layout
from pi_cam_node.imaging.jpeg import planes, to_bgr
from pi_cam_node.imaging.label import Label, check

AT = datetime(2026, 11, 29, 14, 3, 12, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "lux", "text"),
    [
        ("{name} {time}", None, "Kueche 2026-11-29 14:03:12Z"),
        ("{mode}: {lux} lx", 123.4, "night: 123 lx"),
        ("{lux}", 0.0123, "0.012"),
        ("{lux}", None, "-"),
        ("{{{name}}}", None, "{Kueche}"),
        ("Ærø … 21 °C", None, "?r? ... 21  degC"),
    ],
)
def test_fields_are_filled_in(template: str, lux: float | None, text: str) -> None:
    assert Label(check(template), "Küche").text(AT, "night", lux) == text


@pytest.mark.parametrize("template", ["{foo}", "{0}", "{}", "{name!r}", "{time:%Y}", "{name.x}"])
def test_a_field_that_is_not_known_is_refused_as_it_stands(template: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(template)} is not known; known are {{name}}, {{time}}"):
        check(template)


@pytest.mark.parametrize("template", ["{", "}", "{name", "name}", "{{name}"])
def test_a_brace_alone_is_refused_in_words_of_our_own(template: str) -> None:
    with pytest.raises(ValueError, match=r"^a brace is without its partner; write \{\{ or \}\} for one as text$"):
        check(template)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_light_text_stands_on_dark_ground_in_the_lower_left_corner(layout: Layout) -> None:
    pixels = np.full((480, 640, 3) if layout == "bgr" else (720, 640), 128, np.uint8)
    before = pixels.copy()
    drawn = to_bgr(Label("x", "").draw(pixels, layout, "porch 14:03"), layout)
    changed = np.abs(drawn.astype(int) - to_bgr(before, layout)).max(axis=2) > 8
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert rows[-1] == 479
    assert rows[0] > 440
    assert columns[0] == 0
    assert columns[-1] < 320
    assert drawn[rows[0] :, : columns[-1]].max() > 200
    assert np.median(drawn[rows[0] :, : columns[-1]]) < 60
    assert np.array_equal(pixels, before), "the source's own pixels are not drawn on"
    if layout == "i420":
        assert all((plane == 128).all() for plane in planes(Label("x", "").draw(pixels, layout, "x"))[1:])


def test_a_text_wider_than_the_picture_is_cut() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    assert Label("x", "").draw(pixels, "bgr", "a text that is far too long for such a picture").shape == pixels.shape
