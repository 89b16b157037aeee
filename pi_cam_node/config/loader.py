"""Loads the settings from configuration file and environment, and secrets from the files named there."""

from __future__ import annotations

import stat
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from pi_cam_node.base.bounded_read import read_bounded
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.base.file_system import is_directory
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.redaction import carries_login
from pi_cam_node.base.secret_file import open_plain, read_secret
from pi_cam_node.config import Config, HomeAssistantConfig, MqttConfig, default_node_id
from pi_cam_node.config.catalogue import NODE_SCHEMA, Root, Schema, SettingInfo, catalogue
from pi_cam_node.config.layers import Layer, from_environment, from_file
from pi_cam_node.config.merge import PASSWORD, PASSWORD_FILE, PICTURES, MergedLayers
from pi_cam_node.config.yaml_reader import ScalarNode, Tree

MAX_FILE_BYTES = 1 << 20


@frozen
class LoadedConfig:
    """The loaded settings and their origin.

    Attributes:
        config: The settings; every path in them is absolute.
        path: The file; ``None`` if there was none.
        warnings: Values that are allowed but unwise, one line each, without secrets.
        content: Bytes of the file, including secrets; ``None`` without a file.
    """

    config: Config
    path: Path | None
    warnings: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)


def load(path: Path | None, environ: Mapping[str, str], content: bytes | None = None) -> LoadedConfig:
    """Load the settings of a file and the environment, which takes precedence.

    Relative paths are relative to the folder of the file; without a file, to the working directory.

    Args:
        path: The file; ``None`` for none.
        environ: The environment.
        content: Used instead of the file's content.

    Raises:
        ConfigError: The file cannot be read, or something in it or in the environment is wrong.
    """
    file, content = layer_of_file(path, content, NODE_SCHEMA)
    config = settled(file, environ, path, NODE_SCHEMA)
    warnings = [*warnings_of(file, config.mqtt, path, catalogue())]
    if config.recording.mode != "off" and not has_video():
        warnings.append(f"recording.mode is {config.recording.mode}, and nothing can be recorded: {video_hint()}")
    return LoadedConfig(config, path, tuple(warnings), content)


def layer_of_file(path: Path | None, content: bytes | None, schema: Schema[Root]) -> tuple[Layer, bytes | None]:
    """Return the layer of a file, and the file's content, which is read unless given; an empty layer without a file.

    Raises:
        ConfigError: The file cannot be read, or is not valid YAML.
    """
    if path is None:
        return Layer(), content
    content = content_of(path) if content is None else content
    return from_file(decode(content, path), str(path), schema), content


def settled(file: Layer, environ: Mapping[str, str], path: Path | None, schema: Schema[Root]) -> Root:
    """Merge a file's layer and the environment, validate them, and read the files named there.

    Raises:
        ConfigError: Something in the file or in the environment is wrong.
    """
    folder = path.absolute().parent if path is not None else Path.cwd()
    draft = MergedLayers(file, from_environment(environ, schema), folder, schema)
    _place_pictures(draft, folder, environ.get("STATE_DIRECTORY", "").partition(":")[0])
    _read_password(draft)
    _try_login(draft)
    _try_certificates(draft)
    _try_birth_topic(draft)
    return draft.validate()


def parse(text: str, path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Parse settings from a text. Opens no files, so the password is missing.

    Args:
        text: The text.
        path: The file.
        environ: The environment, which takes precedence; ``None``: the text only.

    Raises:
        ConfigError: Something in the text, or in the environment, is wrong.
    """
    environment = from_environment(environ or {})
    return MergedLayers(from_file(text, str(path)), environment, path.absolute().parent, NODE_SCHEMA).validate()


def decode(content: bytes, path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: The file is too large or not UTF-8.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError([f"{path}: larger than 1 MiB, expected a configuration file"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = (
            "UTF-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else f"the byte 0x{content[error.start]:02x}"
        )
        raise ConfigError([f"{path}:{line}: found {found}, expected UTF-8"]) from None


def content_of(path: Path) -> bytes:
    """Return the content of a configuration file, at most one byte more than the limit.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        return read_bounded(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None


def _place_pictures(draft: MergedLayers[Root], folder: Path, state: str) -> None:
    """Resolve a relative folder of pictures against systemd's state directory, if any, rather than /etc.

    A folder that an earlier version created beside the configuration file is kept.
    """
    beside = Path(draft.values.get(PICTURES, folder))
    if not state or not beside.is_relative_to(folder) or draft.is_absolute(PICTURES):
        return
    inside = Path(state) / beside.relative_to(folder)
    if not is_directory(beside) or is_directory(inside):
        draft.values[PICTURES] = str(inside)


def _read_password(draft: MergedLayers[Root]) -> None:
    path = draft.values.get(PASSWORD_FILE)
    if path is None:
        return
    try:
        draft.values[PASSWORD] = read_secret(Path(path))
    except (OSError, ValueError) as error:
        draft.fault(PASSWORD_FILE, f"{path}: {_why(error)}")


def _try_login(draft: MergedLayers[Root]) -> None:
    if PASSWORD in draft.values and not draft.values.get("mqtt.username"):
        key = PASSWORD if PASSWORD in draft.givens else PASSWORD_FILE
        draft.fault(key, "found without mqtt.username, expected both; MQTT 3.1.1 knows no password alone")


def _try_certificates(draft: MergedLayers[Root]) -> None:
    """Check that certificate files exist, before connecting to the broker."""
    for key in ("mqtt.tls.ca", "mqtt.tls.cert", "mqtt.tls.key"):
        path = draft.values.get(key)
        if path is None:
            continue
        try:
            open_plain(Path(path)).close()
        except (OSError, ValueError) as error:
            draft.fault(key, f"{path}: {_why(error)}")


def _try_birth_topic(draft: MergedLayers[Root]) -> None:
    """Refuse a topic that the node uses itself: a message there would not be taken for Home Assistant's."""
    birth_topic = draft.values.get("homeassistant.birth_topic")
    if birth_topic is None:
        return
    base = draft.values.get("mqtt.base_topic", MqttConfig().base_topic)
    prefix = draft.values.get("homeassistant.discovery_prefix", HomeAssistantConfig().discovery_prefix)
    node_id = draft.values.get("node.id") or default_node_id()
    own = (f"{base}/{node_id}/", f"{base}/all/", f"{base}/group/", f"{prefix}/device/pi_cam_node_{node_id}/")
    if f"{birth_topic}/".startswith(own):
        draft.fault(
            "homeassistant.birth_topic",
            f"found {birth_topic}, which is one of the node's own topics, expected the one on which Home Assistant "
            f"says that it started, {HomeAssistantConfig().birth_topic} unless it was changed there",
        )


def _why(error: OSError | ValueError) -> str:
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)


def warnings_of(file: Layer, mqtt: MqttConfig, path: Path | None, known: Mapping[str, SettingInfo]) -> Iterator[str]:
    """Yield warnings about unwise values, one line each, without secrets."""
    secrets = [key for key, given in file.givens.items() if _is_secret(known[key], given.tree)]
    if path is not None and secrets and _mode(path) & stat.S_IROTH:
        yield f"{path} holds {' and '.join(secrets)}, and everybody on this machine can read it: chmod 600 {path}"
    password_file = mqtt.password_file
    if password_file is not None and _mode(password_file) & (stat.S_IRGRP | stat.S_IROTH):
        yield f"mqtt.password_file: not only its owner can read {password_file}: chmod 600 {password_file}"
    password = mqtt.password.get_secret_value() if mqtt.password is not None else ""
    if password_file is not None and password != password.strip():
        yield f"mqtt.password_file: the first line of {password_file} begins or ends with a blank, which counts"
    if not mqtt.tls.enable and (mqtt.tls.ca or mqtt.tls.cert):
        yield "mqtt.tls.enable is off: the certificates given beside it are not used, and nothing is encrypted"


def _is_secret(info: SettingInfo, tree: Tree) -> bool:
    text = tree.text if isinstance(tree, ScalarNode) else None
    return bool(text) and (info.secret or carries_login(text or ""))


def _mode(path: Path) -> int:
    """Return the permission bits of a file; 0 if it was just removed."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
