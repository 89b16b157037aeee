"""Entities are derived from settings and commands, completely and with unique keys."""

from __future__ import annotations

import re

import pytest

from pi_cam_node.config import Config, settings
from pi_cam_node.config.catalogue import SettingInfo, catalogue
from pi_cam_node.core.commands.all import registry
from pi_cam_node.core.entities import Entity, entities

LIVE = [info for info in catalogue().values() if info.live]


def offered(**sections: object) -> dict[str, Entity]:
    """Return the entities of a node by key."""
    config = Config.model_validate({"node": {"id": "porch"}, **sections})
    return {entity.key: entity for entity in entities(config, registry().values())}


def test_no_two_entities_share_a_key() -> None:
    found = entities(Config(), registry().values())
    assert len({entity.key for entity in found}) == len(found)


def test_no_two_entities_share_a_name() -> None:
    names = [entity.name for entity in offered().values()]
    assert sorted(filter(None, names)) == sorted({name for name in names if name})
    assert names.count(None) == 1


def test_keys_fit_into_entity_ids() -> None:
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in offered())


def test_every_live_setting_can_be_changed_and_no_other() -> None:
    assert [e.source for e in offered().values() if e.origin == "config"] == [info.key for info in LIVE]


@pytest.mark.parametrize("setting", LIVE, ids=lambda info: info.key)
def test_a_settings_default_is_a_value_of_its_entity(setting: SettingInfo) -> None:
    entity = next(e for e in offered().values() if e.source == setting.key)
    match entity.platform:
        case "number":
            assert isinstance(setting.default, int | float)
            assert entity.minimum is not None
            assert entity.maximum is not None
            assert entity.minimum <= setting.default / entity.scale <= entity.maximum
            assert entity.step
        case "select":
            assert settings.as_text(setting.default) in entity.choices
        case "switch":
            assert isinstance(setting.default, bool)
        case platform:
            assert platform == "text"


def test_bytes_and_microseconds_are_shown_in_units_that_people_read() -> None:
    found = offered()
    assert (found["ring_max_bytes"].unit, found["ring_max_bytes"].scale) == ("MiB", 1 << 20)
    assert (found["ring_max_bytes"].minimum, found["ring_max_bytes"].maximum) == (1, 65536)
    assert (found["mqtt_image_max_bytes"].unit, found["mqtt_image_max_bytes"].maximum) == ("KiB", 16384)
    assert (found["night_exposure_us"].unit, found["night_exposure_us"].minimum) == ("ms", 0.1)
    assert {e.unit for e in found.values()}.isdisjoint({"B", "µs"})


def test_commands_with_a_button_become_one_and_the_others_do_not() -> None:
    verbs = [command.verb for command in registry().values() if command.button]
    assert {"save", "pastStack", "restart"} <= set(verbs)
    assert [e.verb for e in offered().values() if e.platform == "button"] == verbs
    assert offered()["past_stack"].verb == "pastStack"


def test_saving_a_fresh_picture_needs_the_camera_and_restarting_does_not() -> None:
    assert offered()["save"].needs_camera
    assert not offered()["restart"].needs_camera


def test_what_people_use_daily_is_enabled_and_the_rest_waits() -> None:
    shown = {key for key, entity in offered().items() if entity.enabled}
    daily = {"camera", "last_picture", "event", "save", "past_stack", "privacy_enable", "night_override"}
    assert daily | {"mode", "brightness", "camera_link", "last_error", "export_save_before_s"} <= shown
    assert {"motion", "recording", "last_event", "clip", "motion_enable", "recording_mode"} <= shown
    assert len(shown) <= 20, sorted(shown)


def test_settings_are_configuration_but_for_the_everyday_ones() -> None:
    everyday = [e.source for e in offered().values() if e.origin == "config" and e.category != "config"]
    assert everyday == ["night.override", "privacy.enable", "motion.enable", "recording.mode"]


def test_pictures_that_are_switched_off_are_not_offered() -> None:
    assert {"camera", "last_picture"} <= set(offered())
    assert "camera" not in offered(homeassistant={"camera_fps": 0})
    assert "last_picture" not in offered(mqtt={"image_max_bytes": 0})
