"""Reads the configuration file, the environment, and the files that they name."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.extras import has_video, video_hint
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.redaction import carries_login
from pi_cam_node.base.secret_file import open_plain, read_secret
from pi_cam_node.config import Config, MqttConfig
from pi_cam_node.config.catalogue import NODE_SCHEMA, Root, Schema, SettingInfo, catalogue
from pi_cam_node.config.layers import Layer, from_environment, from_file
from pi_cam_node.config.merge import PASSWORD, PASSWORD_FILE, PICTURES, MergedLayers
from pi_cam_node.config.yaml_reader import ScalarNode, Tree

MAX_FILE_BYTES = 1 << 20


@frozen
class LoadedConfig:
    """The settings to start with.

    Attributes:
        config: The settings; every path in them is absolute.
        path: The file they came from; ``None`` where there was none.
        warnings: What is allowed but unwise, one line each, without a secret.
        content: What was read, secrets and all; ``None`` without a file.
    """

    config: Config
    path: Path | None
    warnings: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)


def load(path: Path | None, environ: Mapping[str, str], content: bytes | None = None) -> LoadedConfig:
    """Return the settings that a file and the environment give together; the environment wins.

    Relative paths in the settings start at the folder of the file, whatever the working directory is;
    without a file, at the working directory.

    Args:
        path: The file; ``None`` for none.
        environ: The environment.
        content: Taken instead of the file's.

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
    """Return what a file gives, and its content, read where it is not given; an empty layer for no file.

    Raises:
        ConfigError: The file cannot be read, or it is no YAML of settings.
    """
    if path is None:
        return Layer(), content
    content = content_of(path) if content is None else content
    return from_file(decode(content, path), str(path), schema), content


def settled(file: Layer, environ: Mapping[str, str], path: Path | None, schema: Schema[Root]) -> Root:
    """Return the settings that a file's layer and the environment give together; reads the password, tries the files.

    Raises:
        ConfigError: Something in the file or in the environment is wrong.
    """
    folder = path.absolute().parent if path is not None else Path.cwd()
    draft = MergedLayers(file, from_environment(environ, schema), folder, schema)
    _place_pictures(draft, folder, environ.get("STATE_DIRECTORY", "").partition(":")[0])
    _read_password(draft)
    _try_login(draft)
    _try_certificates(draft)
    return draft.validate()


def parse(text: str, path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Return the settings that a text would give as the content of a file. Opens nothing, so the password is missing.

    Args:
        text: The text.
        path: The file.
        environ: The environment, which wins; ``None``: the text alone.

    Raises:
        ConfigError: Something in the text, or in the environment, is wrong.
    """
    environment = from_environment(environ or {})
    return MergedLayers(from_file(text, str(path)), environment, path.absolute().parent, NODE_SCHEMA).validate()


def decode(content: bytes, path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: It is too large or not UTF-8.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError([f"{path}: larger than 1 MiB, expected a configuration file"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: found the byte 0x{content[error.start]:02x}, expected UTF-8"]) from None


def content_of(path: Path) -> bytes:
    """Return the content of a configuration file, or a byte more than may be.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None


def _place_pictures(draft: MergedLayers[Root], folder: Path, state: str) -> None:
    """Resolve a relative folder of pictures against systemd's state folder, where there is one, rather than /etc.

    Where earlier versions made it beside the configuration file it stays there.
    """
    beside = Path(draft.values.get(PICTURES, folder))
    if not state or not beside.is_relative_to(folder) or draft.is_absolute(PICTURES):
        return
    inside = Path(state) / beside.relative_to(folder)
    if inside.is_dir() or not beside.is_dir():
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
    """Find out now rather than at the broker that a file is missing."""
    for key in ("mqtt.tls.ca", "mqtt.tls.cert", "mqtt.tls.key"):
        path = draft.values.get(key)
        if path is None:
            continue
        try:
            open_plain(Path(path)).close()
        except (OSError, ValueError) as error:
            draft.fault(key, f"{path}: {_why(error)}")


def _why(error: OSError | ValueError) -> str:
    return f"cannot be read: {error.strerror}" if isinstance(error, OSError) else str(error)


def warnings_of(file: Layer, mqtt: MqttConfig, path: Path | None, known: Mapping[str, SettingInfo]) -> Iterator[str]:
    """Yield what is allowed but unwise, one line each, without a secret."""
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
    """Return the permission bits of a file; 0 where it has just been removed."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
