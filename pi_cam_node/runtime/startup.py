"""Decides what to start with: the configuration file, the last good one, and whether the camera is left alone."""

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
from pi_cam_node.config.loader import MAX_FILE_BYTES, LoadedConfig
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.runtime.fallback_privacy import with_privacy_of
from pi_cam_node.runtime.last_good_config import LastGood, state_files
from pi_cam_node.runtime.start_counter import GOOD_START, SAFE_START, StartCounter
from pi_cam_node.storage.privacy_marker import PrivacyMarker


@frozen
class Start:
    """Conditions under which a node starts.

    Attributes:
        number: In a row of starts that came to nothing; 1 for a usual one.
        is_safe: The camera is left alone.
        has_last_good: The settings are the last good ones, and not those of the file.
        why: What a person must know of it, a line each; empty for a usual start.
        file: The count.
        good: The last good configuration.
        private: Beside the last good configuration, what remembers that privacy is on.
        events: Beside it, the database of events; ``None`` where there is no place for it.
        link_key: Likewise, the key of signed links.
        names: Likewise, the names under which the node announced itself.
        spawned: The camera's process, where it was started beforehand.
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
    """Start the camera's process and let it open the camera, while the node imports its own libraries.

    Never where the camera is to be left alone.
    """
    camera = loaded.config.camera
    if camera.isolate and not start.is_safe and not remembered(loaded, start.private).config.privacy.enable:
        with suppress(OSError):  # who keeps the camera tries again, and says what is wrong
            spawned = spawn.spawn(source=catalogue.check(camera.source))
            from pi_cam_node.camera.camera import open_early  # noqa: PLC0415 - while the process imports, too

            return replace(start, spawned=open_early(spawned, loaded.config))
    return start


def remembered(loaded: LoadedConfig, private: Path | None) -> LoadedConfig:
    """Return the settings with privacy on, where it was on when the node was last seen.

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
    """Return why `remembered` cannot tell whether privacy is on, and so says that it is; empty where it can.

    Args:
        loaded: The settings.
        private: See `Start`.
    """
    return "" if loaded.config.privacy.enable else PrivacyMarker(loaded.config.export.base_dir, private).doubt


def checked(path: Path | None, environ: Mapping[str, str], content: bytes | None = None) -> LoadedConfig:
    """Return the settings, or raise; see `configfile.load`. Opens no camera.

    Raises:
        ConfigError: They are not usable.
    """
    loaded = loader.load(path, environ, content)
    catalogue.check(loaded.config.camera.source)  # it alone knows the script of a synthetic camera
    return loaded


def begin(path: Path | None, environ: Mapping[str, str]) -> tuple[LoadedConfig, Start]:
    """Count the start, and return the settings and the way to start.

    Raises:
        ConfigError: The file is not usable, and there is no last good one.
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
    """Return the last good settings; where there are none, what is wrong with the file is raised."""
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
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return None


def _remove_parts(*paths: Path | None) -> None:
    """Remove half-written files of a run that was killed: they may hold the password."""
    for part in (part for path in paths if path is not None for part in parts_of(path)):
        with suppress(OSError):  # the start does not depend on it
            part.unlink()


def _in_vain(number: int) -> str:
    return f"{number - 1} starts in a row came to nothing"


def _is_empty(content: bytes | None) -> bool:
    """Whether nothing is in a file: what a power cut leaves of one that was not synced."""
    return content is not None and not content.strip(b" \t\r\n\0")
