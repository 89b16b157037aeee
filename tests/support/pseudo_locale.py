"""The console with every marked text in brackets, as if in another language: ``python -m tests.support.pseudo_locale``.

Text outside of brackets is not marked for translation.
"""

from __future__ import annotations

import functools
import sys

from pi_cam_node.cli.main import main
from pi_cam_node.console.web import files, rendering
from pi_cam_node.web.http.static_files import static_file

CATALOGUE = b"""
const inBrackets = (text) => (typeof text === "string" ? `\\u27e6${text}\\u27e7` : undefined);
export default new Proxy({}, { get: (_target, text) => inBrackets(text) });
"""


def _one(text: str) -> str:
    return f"⟦{text}⟧"


def _several(one: str, many: str, count: int) -> str:
    return _one(one if count == 1 else many)


def install() -> None:
    """Install the pseudo-translation for templates and modules."""
    rendering.translate(rendering.environment(), _one, _several)
    sent = {**files.files(), "catalogue.js": static_file("catalogue.js", CATALOGUE)}
    files.files = functools.cache(lambda: sent)


if __name__ == "__main__":
    install()
    sys.exit(main())
