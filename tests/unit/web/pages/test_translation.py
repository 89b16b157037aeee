"""All texts in the scripts shared by both programs are marked for translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi_cam_node.web.pages import routes

SHARED_FOLDER = Path(routes.__file__).parent / "static"
CONSOLE_FOLDER = Path(routes.__file__).parents[2] / "console" / "web" / "static"
# Modules of the node's page alone: it is in English, as its settings' descriptions are.
NODE_ONLY = frozenset(
    {
        "api.js",
        "app.js",
        "controls.js",
        "history.js",
        "live.js",
        "login.js",
        "parts.js",
        "plot.js",
        "privacy.js",
        "settings.js",
        "shoot.js",
        "state.js",
        "units.js",
    }
)
MODULES = [
    *(path for path in sorted(SHARED_FOLDER.glob("*.js")) if path.name not in NODE_ONLY),
    *sorted(CONSOLE_FOLDER.glob("*.js")),
]
# What stands before a literal that is marked, or that is no text: a selector, classes, a name of the platform's.
MARKED = re.compile(r"(?:\b_\(|\b_n\([^,()]+, (?:\"[^\"]*\", )?)$")
NO_TEXT_BEFORE = re.compile(
    r"(?:from |import |import\(|"
    r"className(?:: | = |\(| \? )|classList\.\w+\(|querySelector(?:All)?\(|closest\(|matches\("
    r"|addEventListener\(|\bkey === |key: |[\w.]*name === |Event\(|\bpress\(|\bcase |DOMException\(\"\", )$"
)
NO_TEXTS = {
    "(prefers-reduced-motion: reduce)",
    "Accept",
    "Content-Type",
    "Camera",  # the service worker's, for a message that says nothing: no module can be imported there before it runs
    "Notification",
    "POST",
    "PushManager",
    "X-Requested-With",
    "plain chip ignored",
    "plain chip zone",
}
SEVERAL_WORDS = re.compile(r"[A-Za-z]{2,}[.,:;…?!]* +(?:[a-z]\w*|[A-Z][a-z]+)")
SENTENCE = re.compile(r"[A-Z][a-z]+")
KEYS = re.compile(r"(?:Arrow(?:Left|Right|Up|Down)|Escape|Enter|Delete|Backspace|[A-Z]\w*Error)$")
_TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<regex>(?<=[(,=:\[!&|?{};])\s*/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)
    |(?P<double>"(?:\\.|[^"\\\n])*")|(?P<single>'(?:\\.|[^'\\\n])*')|(?P<template>`(?:\\.|[^`\\])*`)""",
    re.VERBOSE | re.DOTALL,
)


def literals(text: str) -> Iterator[tuple[str, str]]:
    """Yield each string of a module and what stands before it on its line; of a template the fixed parts."""
    for found in _TOKENS.finditer(text):
        if found.lastgroup in {"comment", "regex"}:
            continue
        literal, before = found[0][1:-1], text[: found.start()].rpartition("\n")[2]
        if found.lastgroup == "template":
            yield re.sub(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", "", literal), before
            for inner in re.findall(r"\$\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", literal):
                yield from literals(inner)
        else:
            yield literal, before


def unmarked(text: str) -> list[str]:
    """Return displayed texts that are not marked."""
    return [
        literal
        for literal, before in literals(text)
        if (SEVERAL_WORDS.search(literal) or SENTENCE.match(literal))
        and not (MARKED.search(before) or NO_TEXT_BEFORE.search(before))
        and literal not in NO_TEXTS
        and not KEYS.match(literal)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_every_text_of_a_module_is_marked(path: Path) -> None:
    assert unmarked(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        'say("Deleted.");',
        'made.textContent = "Show older ones";',
        "say(`Saved: ${count} pictures`);",
        "say(`${ok ? \"It worked\" : ''}`);",
        'const words = { busy: "Try again" };',
    ],
)
def test_a_text_that_is_not_marked_is_found(text: str) -> None:
    assert unmarked(text) != []


@pytest.mark.parametrize(
    "text",
    [
        'say(_("Deleted."));',
        'const n = _n(count, "{count} zone", "{count} zones");',
        'import { _ } from "./translate.js";',
        'element("p", { className: "said refused" });',
        "// Words of a comment are no text.",
    ],
)
def test_what_is_marked_or_no_text_is_not(text: str) -> None:
    assert unmarked(text) == []


def test_a_text_is_marked_as_tools_collect_it() -> None:
    """Literals in double quotes alone: what is put together at run time stands in no catalogue."""
    for path in MODULES:
        if path.name != "translate.js":
            assert re.findall(r"\b_\((?!\")[^)]*\)", path.read_text()) == [], path.name
