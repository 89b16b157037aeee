"""``config.yaml`` and ``docs/settings.md``, from the models of the settings."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Mapping

import yaml
from pydantic import BaseModel

from pi_cam_node.config import Config, Section
from pi_cam_node.config.catalogue import SettingInfo, catalogue
from pi_cam_node.config.layers import variable
from pi_cam_node.config.values import as_text, with_unit

COMMENT_WIDTH = 110

_FILE_HEAD = """\
# The settings of pi_cam_node, each with its default. A line may be left out; the default holds then.
# Written by `pi-cam-node docs --write` from the models that check it; docs/settings.md says the same in tables.
#
# live: can be changed while the node runs, with `set`; the other settings are read when the node starts.
# A number may carry its unit: 64 MiB, 2.5 s, 20 ms, 1 h. A switch is true or false, on or off, yes or no.
# A relative path starts at the folder of this file.
# A variable of the environment wins over the file: {example} is mqtt.host.
# `pi-cam-node check-config` lists every fault.
"""

_PAGE_HEAD = """\
# Settings

<!-- Written by `pi-cam-node docs --write` from the models in `pi_cam_node/config`. -->

The node reads one YAML file; [`config.yaml`](../config.yaml) holds every setting with its default. A setting that is
left out has its default. The whole file is checked before anything starts: `pi-cam-node check-config` lists every
fault with its line, what was found and what was expected, and `pi-cam-node run` ends with code 2 where there is one,
unless there are last good settings to start with: [supervision](supervision.md).

* **Live** settings take effect while the node runs, by the command `set` or the topic `set/<setting>`. The others are
  read when the node starts. `overwrite_config` writes the settings in force into the file and keeps its comments.
* **Units**: a plain number is in the unit that the table names. It may carry another: `64 MiB` (also KiB, GiB, kB, MB,
  GB), `20 ms`, `2.5 s`, `5 min`, `1 h`, `1 d`. A switch is `on` or `off`, `true` or `false`, `yes` or `no`.
* **Paths**: a relative path starts at the folder of the file, not at the working directory.
* **Environment**: a variable wins over the file: `{example}` is `mqtt.host`.
* **Secrets**: `mqtt.password` belongs into `mqtt.password_file` or the environment. Secrets and the logins in camera
  addresses are masked in every reply, topic and line of the log, and `overwrite_config` never writes them.
"""


def config_file() -> str:
    """Return ``config.yaml``: every setting with its default; commented out where there is no default."""
    head = _FILE_HEAD.format(example=variable("mqtt.host"))
    return "\n".join([head, *section_lines(Config)]).rstrip() + "\n"


def section_lines(root: type[Section]) -> list[str]:
    """Return the sections of a configuration file, each setting with its default and what it means."""
    return list(_section_lines(root, catalogue(root), "", ""))


def _section_lines(model: type[BaseModel], known: Mapping[str, SettingInfo], prefix: str, indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        info = known.get(prefix + name)
        if info is not None:
            yield from _setting_lines(info, name, indent)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _comment(_meaning(field.annotation), indent)
            yield f"{indent}{name}:"
            yield from _section_lines(field.annotation, known, f"{prefix}{name}.", f"{indent}  ")


def _setting_lines(info: SettingInfo, name: str, indent: str) -> Iterator[str]:
    yield from _comment(info.doc, indent)
    yield from _comment(f"{info.expected[0].upper()}{info.expected[1:]}.{' Live.' if info.live else ''}", indent)
    if info.secret or info.default is None:
        yield f"{indent}#{name}:"
    else:
        yield f"{indent}{name}: {_scalar(info)}" + (f"  # {_unit(info)}" if info.unit else "")
    yield ""


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, COMMENT_WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _scalar(info: SettingInfo) -> str:
    """Return the default as YAML."""
    if info.is_path:
        return f"./{info.default}"
    default = int(info.default) if isinstance(info.default, float) and info.default.is_integer() else info.default
    text: str = yaml.safe_dump(default, default_flow_style=True, width=1000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _unit(info: SettingInfo) -> str:
    """Return the unit of the plain number, and the number with a larger unit: ``B = 64 MiB``."""
    friendly = _friendly(info)
    return info.unit if friendly.endswith(f" {info.unit}") else f"{info.unit} = {friendly}"


def _friendly(info: SettingInfo) -> str:
    """Return the default with a convenient unit: ``64 MiB``."""
    if isinstance(info.default, int | float) and not isinstance(info.default, bool):
        return " ".join(with_unit(info.default, info.unit)).strip()
    return _scalar(info) if info.is_path and info.default else as_text(info.default)


def _meaning(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def reference() -> str:
    """Return ``docs/settings.md``: a table for each section."""
    parts = [_PAGE_HEAD.format(example=variable("mqtt.host"))]
    for path, model in _sections(Config, ""):
        rows = [_row(catalogue()[f"{path}.{name}"]) for name in model.model_fields if f"{path}.{name}" in catalogue()]
        table = ["| setting | default | unit | values | live | what it does |", "|---|---|---|---|---|---|", *rows]
        parts.append("\n".join([f"## `{path}`", "", _meaning(model), "", *table]) + "\n")
    return "\n".join(parts)


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield prefix + name, field.annotation
            yield from _sections(field.annotation, f"{prefix}{name}.")


def _row(info: SettingInfo) -> str:
    default = _friendly(info)
    live = "yes" if info.live else ""
    cells = (f"`{info.key}`", f"`{default}`" if default else "–", info.unit, info.expected, live, info.doc)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Return a text that neither ends a cell nor is taken for markup."""
    return text.replace("|", r"\|").replace("<", "&lt;")
