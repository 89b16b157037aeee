"""Settings of Sphinx for ``scripts/docs``: the pages of this folder as a site that needs no network.

The pages are plain Markdown that reads well on its own. What the site needs beside that is added here: the menu, and
the files outside of this folder that pages link to, which are copied into the site.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "pi_cam_node"
root_doc = "README"
extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_title = "pi_cam_node"
html_show_copyright = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
myst_heading_anchors = 4
# Links to copied files are written by `_to_copies`, and need no check by Sphinx.
myst_url_schemes = {"http": None, "https": None, "mailto": None, "copy": "{{path}}"}
suppress_warnings = ["misc.highlighting_failure"]

MENU = {
    "Begin": ["quick-start", "hardware", "troubleshooting", "upgrade"],
    "How to": ["how-to/README", "how-to/*"],
    "Reference": ["commands", "mqtt", "settings", "supervision", "storage", "brokers", "console", "fleet"],
    "Explanation": ["explanation/*", "privacy", "architecture"],
    "Quality": ["reliability", "performance", "soak", "decisions/README", "decisions/*"],
}
_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")


def setup(app: Sphinx) -> None:
    """Join the hooks; called by Sphinx."""
    app.connect("source-read", _add_menu)
    app.connect("source-read", _to_copies)
    app.connect("build-finished", _copy_files)


def _add_menu(_app: Sphinx, page: str, source: list[str]) -> None:
    """Add the menu to the first page."""
    if page == root_doc:
        for caption, pages in MENU.items():
            lines = "\n".join(["```{toctree}", ":hidden:", ":glob:", f":caption: {caption}", "", *pages, "```"])
            source[0] += f"\n\n{lines}\n"


def _to_copies(_app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to files that are no pages lead to their copies in the site."""
    folder = (HERE / page).parent

    def changed(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_dir() and (target / "README.md").exists() and target.is_relative_to(HERE):
            return f"{link[1]}{os.path.relpath(target / 'README.md', folder)}{link[4]}"
        is_page = target.suffix in (".md", ".png") and target.is_relative_to(HERE)
        if is_page or not target.is_file():
            return link[0]
        place = f"{os.path.relpath(HERE, folder)}/files/{target.relative_to(ROOT)}"
        return f"{link[1]}copy:{place}{link[4]}"

    source[0] = _LINK.sub(changed, source[0])


def _copy_files(app: Sphinx, error: Exception | None) -> None:
    """Copy what pages link to outside of this folder."""
    for page in [] if error else HERE.rglob("*.md"):
        for link in _LINK.finditer(page.read_text(encoding="utf-8")):
            target = (page.parent / link[2]).resolve()
            if target.is_file() and (target.suffix not in (".md", ".png") or not target.is_relative_to(HERE)):
                copy = Path(app.outdir) / "files" / target.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, copy)
