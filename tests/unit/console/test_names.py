"""Order of names as people read lists."""

from __future__ import annotations

from pi_cam_node.console.names import order_of


def test_numbers_count_as_numbers_and_accents_and_case_do_not_count() -> None:
    names = ["", "2nd", "10th", "Apfel", "Ärger", "Cam 000", "cam 7", "Cam 007", "Camera 2", "Camera 10", "Zoo", "玄関"]
    assert sorted(names, key=order_of) == names
    assert order_of("Gärtchen") == order_of("gartchen")


def test_a_number_of_any_length_is_one() -> None:
    assert order_of("9" * 10_000) < order_of("1" + "0" * 10_000)
