"""``pi-cam-node remote``: written files, existing files, refused arguments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("segno", reason="the extra console is not installed")

from pi_cam_node.cli.main import main

NAME = "cam.example.org"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "remote"


def remote(out: Path, *more: str, name: str = NAME) -> int:
    return main(["remote", "--name", name, "--out", str(out), *more])


def content(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_everything_is_written_and_keys_are_the_owners_alone(out: Path) -> None:
    assert remote(out, "--phone", "anna", "--phone", "ben", "--phone", "anna") == 0
    keys = {f"wireguard/{name}" for name in ("hub.conf", "house.conf", "anna.conf", "anna.png", "ben.conf", "ben.png")}
    assert set(content(out)) == {*keys, "nginx/site.conf", "server-setup.sh", "README.md"}
    assert {(out / name).stat().st_mode & 0o777 for name in keys} == {0o600}
    assert [path.stat().st_mode & 0o777 for path in (out, out / "wireguard")] == [0o700, 0o700]
    assert (out / "server-setup.sh").stat().st_mode & 0o111
    assert (out / "wireguard" / "anna.png").read_bytes().startswith(b"\x89PNG")


def test_no_word_of_a_template_is_left_unfilled(out: Path) -> None:
    assert remote(out, "--console-port", "9090", "--network", "10.9.0.0/24") == 0
    for name in ("README.md", "nginx/site.conf", "server-setup.sh"):
        text = (out / name).read_text()
        assert not [word for word in text.split("@") if word.isupper() and word.isidentifier()], name
    assert "server 10.9.0.2:9090;" in (out / "nginx" / "site.conf").read_text()


def test_a_second_run_writes_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote(out, "--phone", "anna")
    before = content(out)
    assert remote(out, "--phone", "anna") == 0
    assert content(out) == before
    assert "nothing was written" in capsys.readouterr().out


def test_one_more_phone_leaves_the_keys_of_the_others(out: Path) -> None:
    remote(out, "--phone", "anna")
    before = content(out)
    (out / "wireguard" / "house.conf").unlink()  # it is where it belongs
    assert remote(out, "--phone", "ben") == 0
    after = content(out)
    assert after["wireguard/anna.conf"] == before["wireguard/anna.conf"]
    assert after["wireguard/hub.conf"].startswith(before["wireguard/hub.conf"])
    assert "wireguard/house.conf" not in after


def test_a_lost_phone_is_out(out: Path) -> None:
    remote(out, "--phone", "anna", "--phone", "ben")
    assert remote(out, "--remove", "anna") == 0
    assert "# anna" not in (out / "wireguard" / "hub.conf").read_text()
    assert not [name for name in content(out) if "anna" in name]
    assert remote(out, "--remove", "anna") == 2


@pytest.mark.parametrize(
    "more",
    [
        ("--name", "other.example.org"),
        ("--port", "51821"),
        ("--network", "10.78.0.0/24"),
        ("--console-port", "8091"),
    ],
)
def test_what_would_not_fit_the_files_in_use_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, str]
) -> None:
    remote(out)
    before = content(out)
    assert remote(out, *more) == 2
    assert content(out) == before
    assert more[0] in capsys.readouterr().err


def test_new_keys_are_made_only_after_asking(out: Path, mocker: MockerFixture) -> None:
    remote(out, "--phone", "anna")
    before = content(out)
    terminal = mocker.patch.object(sys, "stdin")
    terminal.isatty.return_value = False
    assert remote(out, "--new-keys") == 2
    terminal.isatty.return_value = True
    asked = mocker.patch("builtins.input", return_value="n")
    assert remote(out, "--new-keys") == 2
    assert content(out) == before
    asked.return_value = "y"
    assert remote(out, "--new-keys", name="other.example.org") == 0
    after = content(out)
    assert set(after) - {"nginx/site.conf.bak", "README.md.bak"} == set(before)
    assert all(after[name] != before[name] for name in before if name.startswith("wireguard/"))
    assert after["nginx/site.conf.bak"] == before["nginx/site.conf"]


def test_a_site_that_was_changed_by_hand_is_kept_aside(out: Path) -> None:
    remote(out)
    (out / "nginx" / "site.conf").write_text("mine\n")
    assert remote(out) == 0
    assert (out / "nginx" / "site.conf.bak").read_text() == "mine\n"


def test_a_key_file_that_no_hub_knows_is_not_written_over(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote(out, "--phone", "anna")
    (out / "wireguard" / "hub.conf").unlink()
    before = content(out)
    assert remote(out) == 2
    assert content(out) == before
    assert "anna.conf" in capsys.readouterr().err


def test_a_hub_file_that_is_none_of_ours_is_named(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remote(out)
    (out / "wireguard" / "hub.conf").write_text("[Interface]\n")
    assert remote(out) == 2
    assert "hub.conf: its first line" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [
        ("--name", "nodots"),
        ("--name", "a b.example.org"),
        ("--name", "cam.example.org;rm"),
        ("--name", "192.0.2.1"),
        ("--phone", "house"),
        ("--phone", "../anna"),
        ("--port", "0"),
        ("--port", "x"),
        ("--network", "8.8.8.0/24"),
        ("--network", "10.77.0.0/30"),
        ("--network", "10.77.0.1/24"),
    ],
)
def test_wrong_words_are_refused_and_nothing_is_written(out: Path, more: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        remote(out, *more)
    assert ended.value.code == 2
    assert not out.exists()


def test_what_is_not_installed_is_named(out: Path, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]) -> None:
    mocker.patch("importlib.util.find_spec", return_value=None)
    assert remote(out) == 2
    assert " -m pip install 'Jinja2" in capsys.readouterr().err
