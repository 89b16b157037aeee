"""Commands that read and change settings."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

from pydantic import Field

from pi_cam_node.base.errors import BadRequest, NodeError, PrivacyOn, UnknownKey
from pi_cam_node.config import settings
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.config.values import unquoted
from pi_cam_node.core.commands.privacy import set_privacy
from pi_cam_node.core.commands.registry import Arguments, Button, Context, Result, Steps, Work, command
from pi_cam_node.core.commands.reply_data import ChangedData, ConfigData, SettingData, SettingsData, WrittenData
from pi_cam_node.core.inputs import CommandArrived

# Longer than any key; invalid keys are repeated in the reply.
KEY_MAX_CHARS = 128
Key = Annotated[
    str, Field(max_length=KEY_MAX_CHARS, description="the setting, by its dotted key", examples=["night.gain"])
]


class SetArguments(Arguments):
    """A key and its new value."""

    key: Key
    value: Annotated[
        Any, Field(description="its new value, as a text that may carry a unit, or a JSON value", examples=[8])
    ]

    ends_in_free_text: ClassVar[bool] = True

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``<key> <value>``; the value may hold blanks, and stand in quotes."""
        key, *value = words.split(None, 1) or [""]
        if not value:
            raise BadRequest("ERROR: usage set <key_path> <value>")
        return {"key": key, "value": unquoted(value[0].strip())}


class KeyArguments(Arguments):
    """A key."""

    key: Key

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``<key>``."""
        if not words:
            raise BadRequest("ERROR: usage get <key_path>")
        return {"key": words}


@command(
    "set",
    "set <dotted.key> <value>",
    "Changes one live setting, at once; one that is read at start is refused.",
    SetArguments,
    ChangedData,
)
def set_setting(context: Context, arguments: SetArguments, _received: CommandArrived) -> Result | Steps:
    """Change a live setting and return its value."""
    if arguments.key == PRIVACY_KEY:
        return set_privacy(context, arguments.value)
    old, new = context.change(arguments.key, arguments.value)
    shown = (settings.as_text(old), settings.as_text(new))
    return Result(
        f"OK: changed {arguments.key} from {shown[0]} to {shown[1]}",
        {"key": arguments.key, "old": old, "new": new, "live": True},
    )


@command(
    "get",
    "get <dotted.key>",
    "Returns a setting's value in force, type, range, unit and default.",
    KeyArguments,
    SettingData,
)
def get_setting(context: Context, arguments: KeyArguments, _received: CommandArrived) -> Result:
    """Return one setting."""
    described = settings.description_of(settings.describe(arguments.key), context.config)
    return Result(settings.as_text(described["value"]), {key: described[key] for key in SettingData.__annotations__})


@command("dump_config", "dump_config", "Returns the settings in force; secrets are masked.", Arguments, ConfigData)
def dump_config(context: Context, _arguments: Arguments, _received: CommandArrived) -> Result:
    """Return all settings as indented JSON with sorted keys."""
    tree = settings.tree_of(context.config)
    return Result(json.dumps(tree, indent=4, sort_keys=True, ensure_ascii=False), {"config": tree})


@command(
    "overwrite_config",
    "overwrite_config",
    "Writes the settings in force into the configuration file; comments and order stay, and a backup is kept.",
    Arguments,
    WrittenData,
    button=Button("Save settings", "mdi:content-save-cog", category="config"),
)
def overwrite_config(context: Context, _arguments: Arguments, _received: CommandArrived) -> Steps:
    """Write the configuration file on the worker thread, after settings on trial are confirmed."""
    try:
        while (proof := context.unproven) is not None:
            if context.privacy_gate.closed:
                raise PrivacyOn("settings on trial wait for a frame, and privacy is on; switch it off and ask again")
            yield proof
        config = context.config
        path = yield Work(lambda _progress: context.write_config(config))
    except NodeError as error:
        error.text = f"ERROR: failed to dump configuration: {error}"
        raise
    return Result(f"OK: configuration dumped to {path}", {"path": str(path)})


class SectionArguments(Arguments):
    """A section of the settings, or nothing."""

    section: Annotated[
        str,
        Field(max_length=KEY_MAX_CHARS, description="a section or key, e.g. `night`; all unless told otherwise"),
    ] = ""

    @classmethod
    def from_words(cls, words: str) -> dict[str, object]:
        """Take ``[section]``."""
        return {"section": words}


@command(
    "settings", "settings [section]", "Describes every setting, or those of a section.", SectionArguments, SettingsData
)
def describe_settings(context: Context, arguments: SectionArguments, _received: CommandArrived) -> Result:
    """Return the descriptions of settings for user interfaces."""
    prefix = f"{arguments.section}." if arguments.section else ""
    chosen = [info for info in settings.catalogue().values() if f"{info.key}.".startswith(prefix)]
    if not chosen:
        raise UnknownKey(f"ERROR: invalid section {arguments.section}", data={"section": arguments.section})
    rows = [settings.description_of(info, context.config) for info in chosen]
    lines = [f"{info.key} = {settings.as_text(row['value'])}" for info, row in zip(chosen, rows, strict=True)]
    return Result("\n".join(lines), {"settings": rows})
