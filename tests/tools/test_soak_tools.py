"""Messages of the soak where a tool is missing."""

from __future__ import annotations

from pathlib import Path

from pytest_mock import MockerFixture

from benchmarks.soak import tools


def test_absent_tools_are_named(mocker: MockerFixture, tmp_path: Path) -> None:
    mocker.patch.object(tools, "FOLDER", tmp_path)
    assert [lack for lack in tools.missing(()) if lack.endswith("soak.py")] == [str(tmp_path / "soak.py")]


def test_what_only_a_group_needs_is_missed_only_with_the_group(mocker: MockerFixture) -> None:
    mocker.patch("shutil.which", lambda _name, path=None: path)
    assert any("C compiler" in lack for lack in tools.missing(("clock",)))
    assert not any("C compiler" in lack for lack in tools.missing(("link",)))
    assert any("root" in lack for lack in tools.missing(("disk",)))
