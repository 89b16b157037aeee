"""A folder with a configuration file in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.config.loader import LoadedConfig, load


class Folder:
    """Writes files and loads `config.yaml`; environment variables are given without their prefix."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "config.yaml"

    def load(self, text: str | bytes, **environ: str) -> LoadedConfig:
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.file.chmod(0o600)
        return load(self.file, {f"PI_CAM_NODE__{name}": value for name, value in environ.items()})

    def problems(self, text: str | bytes, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(text, **environ)
        return [problem.replace(f"{self.path}/", "") for problem in caught.value.problems]

    def put(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path
