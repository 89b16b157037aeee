"""Settings in the units of people, and back."""

from __future__ import annotations

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")

from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.web.setting_units import entered, shown, shown_unit
from pi_cam_node.console.web.settings_nodes import sections_of

GIB = 1 << 30


@pytest.mark.parametrize(
    ("value", "unit", "maximum", "words"),
    [
        (8 * GIB, "B", 16384 * GIB, "8192 MiB"),
        (1_500_000_000, "B", 16384 * GIB, "1430.511474609375 MiB"),
        (0, "B", GIB, "0 MiB"),
        (49_152, "B", 65_536, "48 KiB"),
        (2_000_000, "µs", 120_000_000, "2000 ms"),
        (33_333, "µs", 120_000_000, "33.333 ms"),
        (7.5, "", 64, "7.5 "),
        (100, "B", "", "0.09765625 KiB"),
    ],
)
def test_a_value_is_shown_in_the_unit_of_people_and_comes_back_whole(
    value: float, unit: str, maximum: object, words: str
) -> None:
    factor, shown_in = shown_unit(unit, maximum)
    text = shown(value, factor)
    assert f"{text} {shown_in}" == words
    assert float(entered(text, str(factor))) == value


@pytest.mark.parametrize("text", ["", "many", "1e999", "NaN", "Infinity", "1" * 30])
def test_what_is_no_number_is_left_to_the_node(text: str) -> None:
    assert entered(text, "1024") == text
    assert shown(text, 1024) == text


@pytest.mark.parametrize("factor", ["", "0", "-5", "1.5", "²", "1048577", "9" * 5000])
def test_a_factor_that_no_page_has_counts_as_one(factor: str) -> None:
    assert entered("5", factor) == "5"


def test_limits_are_shown_in_the_same_unit_and_a_lying_node_breaks_nothing() -> None:
    node = Node("porch", config={"ring.max_bytes": str(64 << 20)})
    told = {"section": "ring", "type": "int", "unit": "B", "minimum": 1 << 20, "maximum": 64 * GIB, "value": 5}
    lie = {**told, "key": "ring.lie", "value": ["x"], "minimum": "low", "maximum": None}
    (section,) = sections_of(node, [{**told, "key": "ring.max_bytes"}, lie], 0)
    right, odd = section.settings
    limits = (right.value, right.told["minimum"], right.told["maximum"], right.told["unit"], right.factor)
    assert limits == ("64", "1", "65536", "MiB", 1 << 20)
    assert (odd.value, odd.told["minimum"], odd.told["maximum"]) == ("x", "", "")
