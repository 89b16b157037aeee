"""Static files of the pages: complete, compatible with the content security policy, no external resources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pi_cam_node
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.web.pages import routes

FOLDER = Path(routes.__file__).parent / "static"
TEXTS = {name: (FOLDER / name).read_text() for name in (*routes.STATIC, *routes.PAGES)}
FILE_LINES_MAX = 300
CONSOLE = Path(pi_cam_node.__file__).parent / "console" / "web" / "static"
SCRIPTS = sorted([*FOLDER.glob("*.js"), *CONSOLE.glob("*.js")])


def test_every_file_of_the_folder_is_served_and_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == {*routes.STATIC, *routes.PAGES}


@pytest.mark.parametrize("name", routes.PAGES)
def test_a_page_holds_no_script_no_style_and_no_handler(name: str) -> None:
    text = TEXTS[name]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("name", TEXTS)
def test_no_file_names_another_host(name: str) -> None:
    namespaces = {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]+[^\s\"')]*", TEXTS[name])) <= namespaces


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_file_refers_to_is_there(name: str) -> None:
    referred = re.findall(r'"static/([^"\s]+)"', TEXTS[name]) + re.findall(r'from "\./([^"]+)"', TEXTS[name])
    assert set(referred) <= set(routes.STATIC)


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".js")])
def test_no_script_turns_text_into_markup_or_code(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", TEXTS[name])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_question_of_a_script_has_a_deadline(path: Path) -> None:
    text = path.read_text()
    for found in re.finditer(r"\bfetch\(", text):
        before, after = text[: found.start()].rpartition("\n")[2], text[found.end() : found.end() + 250]
        is_bounded = "signal" in after.partition(");\n")[0] or before.endswith(("inTime(", "Promise.race(["))
        assert is_bounded or "...options" in after, f"{before}fetch({after[:60]}"


def test_what_the_scripts_look_for_is_on_the_page() -> None:
    scripts = "\n".join(text for name, text in TEXTS.items() if name.endswith(".js") and name != "login.js")
    wanted = set(re.findall(r'byId\("([^"]+)"\)', scripts))
    assert wanted
    assert wanted <= set(re.findall(r'id="([^"]+)"', TEXTS["index.html"]))


def test_every_section_with_a_live_setting_has_a_title() -> None:
    known = set(re.findall(r'^  (\w+): "', TEXTS["settings.js"], re.MULTILINE))
    assert {info.section for info in catalogue().values() if info.live} <= known


def test_the_page_in_a_session_differs_only_in_saying_so() -> None:
    plain, in_session = routes.files()["index.html"], routes.files()[routes.IN_SESSION]
    assert plain.content.replace(b'data-session="no"', b'data-session="yes"') == in_session.content
    assert plain.etag != in_session.etag


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_one_idea(name: str) -> None:
    assert len(TEXTS[name].splitlines()) <= FILE_LINES_MAX
