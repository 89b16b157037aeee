"""Decides how to start: with the configuration file, the last good one, or in safe mode without the camera."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path

from pi_cam_node.base.atomic_files import parts_of
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.base.frozen import frozen
from pi_cam_node.camera import catalogue
from pi_cam_node.camera.worker import spawn
from pi_cam_node.camera.worker.spawn import Spawned
from pi_cam_node.config import loader, settings
from pi_cam_node.config.loader import LoadedConfig, content_of
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.runtime.fallback_privacy import with_privacy_of
from pi_cam_node.runtime.last_good_config import LastGood
from pi_cam_node.runtime.start_counter import GOOD_START, SAFE_START, StartCounter
from pi_cam_node.runtime.state_files import state_files
from pi_cam_node.storage.privacy_marker import PrivacyMarker


@frozen
class Start:
    """Conditions under which a node starts.

    Attributes:
        number: Number in a row of failed starts; 1 after a good run.
        is_safe: Safe mode: the camera is not used.
        has_last_good: Whether the settings are the last good ones instead of those of the file.
        why: Messages about an unusual start, one line each.
        file: Counter of starts.
        good: The last good configuration.
        private: Privacy marker in the state folder.
        events: Database of events; ``None`` without a state folder.
        link_key: Key of signed links; likewise.
        names: File of former node ids; likewise.
        spawned: The camera's process, if started already.
    """

    number: int = 1
    is_safe: bool = False
    has_last_good: bool = False
    why: tuple[str, ...] = ()
    file: StartCounter = field(default_factory=lambda: StartCounter(None))
    good: LastGood = field(default_factory=lambda: LastGood(None))
    private: Path | None = None
    events: Path | None = None
    link_key: Path | None = None
    names: Path | None = None
    spawned: Spawned | None = None


def with_camera_process(start: Start, loaded: LoadedConfig) -> Start:
    """Start the camera's process, which opens the camera while the node imports its libraries.

    Not in safe mode.
    """
    camera = loaded.config.camera
    if camera.isolate and not start.is_safe and not remembered(loaded, start.private).config.privacy.enable:
        with suppress(OSError):  # the camera controller retries and reports the error
            spawned = spawn.spawn(source=catalogue.check(camera.source))
            from pi_cam_node.camera.camera import open_early  # noqa: PLC0415 - while the process imports, too

            return replace(start, spawned=open_early(spawned, loaded.config))
    return start


def remembered(loaded: LoadedConfig, private: Path | None) -> LoadedConfig:
    """Return the settings, with privacy on if the marker file exists.

    Args:
        loaded: The settings.
        private: See `Start`.
    """
    mark = PrivacyMarker(loaded.config.export.base_dir, private)
    if loaded.config.privacy.enable or not mark.is_there:
        return loaded
    mark.confirm()
    return replace(loaded, config=settings.with_value(loaded.config, PRIVACY_KEY, True))


def doubt_of_privacy(loaded: LoadedConfig, private: Path | None) -> str:
    """Return why `remembered` could not determine privacy and assumes on; empty if it could.

    Args:
        loaded: The settings.
        private: See `Start`.
    """
    return "" if loaded.config.privacy.enable else PrivacyMarker(loaded.config.export.base_dir, private).doubt


def checked(path: Path | None, environ: Mapping[str, str], content: bytes | None = None) -> LoadedConfig:
    """Load and check the settings; see `config.loader.load`. Does not open the camera.

    Raises:
        ConfigError: They are invalid.
    """
    loaded = loader.load(path, environ, content)
    catalogue.check(loaded.config.camera.source)  # also checks the script of a synthetic camera
    return loaded


def begin(path: Path | None, environ: Mapping[str, str]) -> tuple[LoadedConfig, Start]:
    """Count the start; return the settings and the conditions of the start.

    Raises:
        ConfigError: The file is invalid, and there is no last good one.
    """
    places = state_files(path, environ)
    counter, good = StartCounter(places.starts), LastGood(places.good)
    kept, fault = good.read(), ""
    try:
        loaded = checked(path, environ)
        if kept and _is_empty(loaded.content):
            fault = f"{path} is empty, and was not"
    except ConfigError as error:
        fault, loaded = error.problems[0], _instead(path, environ, kept, error)
    number, why = counter.begin(), []
    if fault or (number >= GOOD_START and kept and kept != loaded.content):
        why.append(f"the file is not usable, and left as it is: {fault}" if fault else _in_vain(number))
        try:
            file = None if fault else loaded
            loaded = with_privacy_of(checked(path, environ, kept), file, _content_of(path))
            why.append("the last good settings are in force")
        except ConfigError as error:
            why.append(f"the last good settings are not usable: {error.problems[0]}")
    _remove_parts(path, places.starts, places.good, places.private, places.link_key)
    has_last_good = bool(why) and loaded.content == kept
    if number >= SAFE_START:
        why.append(f"safe mode: the camera is left alone, because {_in_vain(number)}")
    is_safe, others = number >= SAFE_START, (places.private, places.events, places.link_key, places.names)
    return loaded, Start(number, is_safe, has_last_good, tuple(why), counter, good, *others)


def _instead(path: Path | None, environ: Mapping[str, str], kept: bytes | None, error: ConfigError) -> LoadedConfig:
    """Return the last good settings; without any, raise the error of the file."""
    if not kept:
        raise error
    try:
        return checked(path, environ, kept)
    except ConfigError:
        raise error from None


def _content_of(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return content_of(path)
    except ConfigError:
        return None


def _remove_parts(*paths: Path | None) -> None:
    """Remove partial files of a killed run, which may contain the password."""
    for part in (part for path in paths if path is not None for part in parts_of(path)):
        with suppress(OSError):  # the start does not depend on it
            part.unlink()


def _in_vain(number: int) -> str:
    return f"{number - 1} starts in a row came to nothing"


def _is_empty(content: bytes | None) -> bool:
    """Whether a file is empty or all zeros, as after a power cut before a sync."""
    return content is not None and not content.strip(b" \t\r\n\0")
