"""What the settings say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.cli.doctor.finding import Finding, failed, ok, warning
from pi_cam_node.config.loader import LoadedConfig

CHECK = "configuration"


def check(loaded: LoadedConfig | ConfigError) -> Iterator[Finding]:
    """Judge what loading gave."""
    if isinstance(loaded, ConfigError):
        for problem in loaded.problems:
            yield failed(CHECK, problem, "mend it; the node does not start before")
        return
    for text in loaded.warnings:
        yield warning(CHECK, text, "the line says what to do")
    yield ok(
        CHECK, f"{loaded.path or 'no file, so every setting has its default'}; the node is {loaded.config.node.id}"
    )
