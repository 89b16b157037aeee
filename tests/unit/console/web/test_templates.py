"""Templates: all texts are marked for translation, no inline scripts or styles."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")

from pi_cam_node.console.web import (
    application,  # noqa: F401 - declares the routes
    rendering,
)
from pi_cam_node.console.web.routes import ROUTES

FOLDER = Path(rendering.__file__).parent / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
# Units, what is typed, and what a program calls itself.
NO_WORDS = {"s", "lx", "px", "cat", "pair", "pi_cam_node"}
TRANSLATED_ATTRIBUTES = {"alt", "aria-label", "placeholder", "title"}
_JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            if name in TRANSLATED_ATTRIBUTES and value:
                self.texts.append(value)
            if name.startswith(("on", "hx-on")) or name == "style":
                self.faults.append(f"<{tag} {name}>")
        if tag == "script" and not any(name == "src" for name, _ in attrs):
            self.faults.append("<script> without src")
        if tag == "style":
            self.faults.append("<style>")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(path: Path) -> Texts:
    text = re.sub(r"\{% block body_class %\}.*?\{% endblock %\}", "", path.read_text())
    text = _PRINTED.sub("", _JINJA.sub("", text))
    parser = Texts()
    parser.feed(text)
    return parser


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_is_marked(path: Path) -> None:
    words = {word for text in parsed(path).texts for word in re.findall(r"[^\W\d]+", text)}
    assert words - NO_WORDS == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(path: Path) -> None:
    assert parsed(path).faults == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_compile_and_escape(path: Path) -> None:
    rendering.environment().get_template(str(path.relative_to(FOLDER)))
    assert "| safe" not in path.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_only_literals_are_given_to_gettext(path: Path) -> None:
    """What it returns is markup and a format: a value would be neither escaped nor safe with a per cent sign."""
    assert re.findall(r"\b_\((?![\"'])[^)]*", path.read_text()) == []


def test_words_from_python_are_looked_up_and_escaped() -> None:
    made = rendering.environment().from_string("{{ text | words }}")
    assert made.render(text="<b>50 % open</b>") == "&lt;b&gt;50 % open&lt;/b&gt;"
    assert made.render(text="") == ""


def test_what_is_public_is_a_short_list() -> None:
    public = {f"{route.method} {route.path}" for route in ROUTES if route.need.right == "public"}
    assert public == {
        "GET /auth/check",
        "GET /ca.crt",
        "GET /healthz",
        "GET /login",
        "GET /manifest.webmanifest",
        "GET /offline",
        "GET /pair",
        "GET /setup",
        "GET /static/{name:[A-Za-z0-9_./-]+}",
        "GET /sw.js",
        "POST /login",
        "POST /logout",
        "POST /setup",
    }
    assert {route.path for route in ROUTES if route.need.signed} == {
        "/hls/{camera}/{name}",
        "/media/{camera}/{id}",
        "/media/{camera}/{id}/thumbnail",
    }


def test_modules_hold_no_words_for_people() -> None:
    static = FOLDER.parent / "static"
    said = re.compile(r"textContent = [\"'`][A-Za-z]|alert\(|confirm\(")
    assert [path.name for path in static.glob("*.js") if said.search(path.read_text())] == []
