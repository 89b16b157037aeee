"""Parsing of zones, and points inside them."""

from __future__ import annotations

import pytest

from pi_cam_node.imaging.polygon import Zone, parse_zone

LEFT = Zone(*parse_zone("left=0,0 0.5,0 0.5,1 0,1"))


def test_a_zone_has_a_name_and_corners() -> None:
    assert parse_zone("door=0.1,0.2 0.5,0.2 0.5,0.9") == ("door", ((0.1, 0.2), (0.5, 0.2), (0.5, 0.9)))


@pytest.mark.parametrize(
    "text",
    ["", "door", "=0,0 1,0 1,1", "Door=0,0 1,0 1,1", "a b=0,0 1,0 1,1", f"{'a' * 33}=0,0 1,0 1,1", "door=0,0 1,0"],
)
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"name of a zone|polygon"):
        parse_zone(text)


@pytest.mark.parametrize("points", ["0.1,0.1 0.1,0.1 0.1,0.1", "0.1,0.1 0.5,0.1 0.9,0.1", "0,0 0.2,0.1 0.4,0.2 1,0.5"])
def test_a_polygon_that_is_a_line_is_refused(points: str) -> None:
    """Nothing moves in such a zone, and such a mask hides nothing."""
    with pytest.raises(ValueError, match="covers nothing, as its points lie on one line"):
        parse_zone(f"door={points}")


@pytest.mark.parametrize(
    "points", ["0.1,0.1 0.9,0.9 0.1,0.9 0.9,0.1", "0.5,0.5 0.5001,0.5 0.5,0.5001", "0,0 0,0 1,0 1,1"]
)
def test_a_polygon_that_covers_something_is_taken(points: str) -> None:
    assert len(parse_zone(f"door={points}")[1]) == len(points.split())


@pytest.mark.parametrize(
    ("point", "inside"), [((0.2, 0.5), True), ((0.7, 0.5), False), ((0.2, 1.0), True), ((0.0, 0.0), True)]
)
def test_a_point_lies_in_it_or_not(point: tuple[float, float], inside: bool) -> None:
    assert LEFT.holds(point) is inside


def test_the_lower_edge_of_the_picture_belongs_to_the_zone() -> None:
    assert Zone("whole", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))).holds((1.0, 1.0))
