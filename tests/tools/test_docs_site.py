"""The documents as a site: built without warnings and network; all links work."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.documents import REPOSITORY

BUILDERS = ("sphinx", "myst_parser", "furo")
BUILD_S = 300


class Page(HTMLParser):
    """Links, loaded files and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif name == "href" and value and tag == "a":
                self.links.append(value)
            elif name in ("src", "href") and value:
                self.loaded.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `scripts/docs --offline` does."""
    missing = [name for name in BUILDERS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed: the extra docs")
    folder = tmp_path_factory.mktemp("docs")
    environment = {**os.environ, "SITE": str(folder / "site"), "VENV": sys.prefix}
    built = subprocess.run(
        [str(REPOSITORY / "scripts" / "docs"), "--offline"],
        capture_output=True, text=True, timeout=BUILD_S, env=environment, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def pages(site: Path) -> Iterator[tuple[Path, Page]]:
    for path in site.rglob("*.html"):
        yield path, Page(path.read_text(encoding="utf-8"))


def test_every_page_of_the_folder_is_in_the_site(site: Path) -> None:
    docs = REPOSITORY / "docs"
    wanted = {page.relative_to(docs).with_suffix(".html") for page in docs.rglob("*.md")}
    assert {page for page in wanted if not (site / page).exists()} == set()
    assert (site / "index.html").read_text() == (site / "README.html").read_text()


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    known = {path.resolve(): page for path, page in pages(site)}
    lost = []
    for path, page in known.items():
        for link in page.links:
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if parts.scheme:
                continue
            if not target.exists():
                lost.append(f"{path.name}: {link}")
            elif parts.fragment and target in known and unquote(parts.fragment) not in known[target].anchors:
                lost.append(f"{path.name}: {link}: no such heading")
    assert lost == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for path, page in pages(site):
        assert [one for one in page.loaded if urlsplit(one).scheme not in ("", "data")] == [], path.name
