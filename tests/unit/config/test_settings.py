"""`set`, `get` and the catalogue of settings."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from pi_cam_node.base.errors import OutOfRange, ReadOnly, UnknownKey
from pi_cam_node.config import Config
from pi_cam_node.config.settings import (
    MASK,
    as_text,
    catalogue,
    describe,
    differences,
    nearest_key,
    secrets_of,
    tree_of,
    value_of,
    with_value,
)

LIVE_KEYS = [key for key, info in catalogue().items() if info.live]
NUMBERS = [key for key, info in catalogue().items() if info.kind in ("int", "float")]


def changed(key: str, raw: object) -> Any:
    return value_of(with_value(Config(), key, raw, live_only=False), key)


def refusal(key: str, raw: object) -> str:
    with pytest.raises(OutOfRange) as caught:
        with_value(Config(), key, raw, live_only=False)
    assert caught.value.data["key"] == key
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "raw", "stored"),
    [
        ("night.gain", "2.5", 2.5),
        ("night.gain", " +2.5 ", 2.5),
        ("night.gain", "1e1", 10.0),
        ("night.gain", "2.", 2.0),
        ("night.gain", 3, 3.0),
        ("night.dark_threshold", ".5", 0.5),
        ("night.dark_threshold", "0", 0.0),
        ("night.min_dark_frames", "7", 7),
        ("night.min_dark_frames", "7.0", 7),
        ("night.min_dark_frames", 7.0, 7),
        ("night.min_dark_frames", "1_000", 1000),
        ("night.min_dark_frames", "1e3", 1000),
        ("night.min_dark_frames", "007", 7),
        ("night.exposure_us", "0.07 s", 70_000),
        ("night.exposure_us", "1.1ms", 1100),
        ("night.exposure_us", "500 µs", 500),
        ("night.exposure_us", "500 μs", 500),
        ("night.exposure_us", "500us", 500),
        ("night.dwell_s", "5 min", 300.0),
        ("night.dwell_s", "1.5 H", 5400.0),
        ("night.dwell_s", "1500 ms", 1.5),
        ("ring.max_bytes", "64 MiB", 64 << 20),
        ("ring.max_bytes", "1.5 gib", 3 << 29),
        ("ring.max_bytes", "64 MB", 64_000_000),
        ("ring.max_bytes", "67108864 B", 64 << 20),
        ("camera.width", "640 px", 640),
        ("camera.framerate", "15 fps", 15.0),
        ("storage.max_age_days", "12 h", 0.5),
        ("night.override", "night", "night"),
        ("night.override", " auto ", "auto"),
        ("logging.level", "debug", "DEBUG"),
        ("mqtt.protocol", 5, "5"),
        ("export.formats", "jpg png", ["jpg", "png"]),
        ("export.formats", "png,npy", ["png", "npy"]),
        ("export.formats", "png , png\tjpg", ["png", "jpg"]),
        ("export.formats", '["npy"]', ["npy"]),
        ("export.formats", "[jpg, npy]", ["jpg", "npy"]),  # as config.yaml has it
        ("export.formats", "['jpg', 'npy' ]", ["jpg", "npy"]),
        ("export.formats", "[ jpg ]", ["jpg"]),
        ("motion.ignore", "['0,0 1,0 1,1', '0,0 1,0 0,1']", ["0,0 1,0 1,1", "0,0 1,0 0,1"]),
        ("export.formats", ["npy", "jpg"], ["npy", "jpg"]),
        ("node.groups", "", []),
        ("node.name", "Haustür 🚪", "Haustür 🚪"),
        ("logging.file", "", None),
        ("mqtt.tls.ca", None, None),
    ],
)
def test_accepts_a_value(key: str, raw: object, stored: object) -> None:
    assert changed(key, raw) == stored
    assert type(changed(key, raw)) is type(stored)


@pytest.mark.parametrize(
    ("key", "raw", "why"),
    [
        ("night.gain", "much", "'much' is not a number from 1 to 64"),
        ("night.gain", "", "nothing is not a number"),
        ("night.gain", "nan", "not a number from"),
        ("night.gain", "-inf", "not a number from"),
        ("night.gain", "Infinity", "not a number from"),
        ("night.gain", "1e400", "not a number from"),
        ("night.gain", float("nan"), "not a number from"),
        ("night.gain", float("inf"), "not a number from"),
        ("night.gain", "0.5", "'0.5' is not a number from 1 to 64"),
        ("night.gain", "−3", "not a number"),
        ("night.gain", "2,5", "not a number"),
        ("night.gain", "2 s", "'2 s' is not a number"),
        ("night.gain", True, "'True' is not a number"),
        ("night.gain", None, "nothing is not a number"),
        ("night.gain", [2], "not a number"),
        ("night.gain", {"a": 1}, "not a number"),
        ("night.gain", 10**400, "not a number"),
        ("night.min_dark_frames", "2.5", "'2.5' is not a whole number from 1 to 100000"),
        ("night.min_dark_frames", 2.5, "not a whole number"),
        ("night.min_dark_frames", False, "'False' is not a whole number"),
        ("night.min_dark_frames", "0x10", "not a whole number"),
        ("night.min_dark_frames", "1:30", "not a whole number"),
        pytest.param("night.min_dark_frames", "9" * 5000, "5000 characters is not a whole number", id="5000 nines"),
        pytest.param("night.min_dark_frames", 10**5000, "something endless is not a whole number", id="5000 digits"),
        ("night.min_dark_frames", "٣", "not a whole number"),
        ("night.exposure_us", "1.2.3 µs", "not a whole number from 100 µs to 120 s"),
        ("night.exposure_us", "1e999 s", "not a whole number"),
        ("night.exposure_us", "2 parsec", "not a whole number"),
        ("ring.max_bytes", "64 M", "not a whole number from 1 MiB to 64 GiB"),
        ("camera.width", "1023", "'1023' is not a multiple of 2 from 64 to 4608 px"),
        ("night.enable", "maybe", "'maybe' is not on or off"),
        ("night.enable", "", "nothing is not on or off"),
        ("night.enable", 2, "'2' is not on or off"),
        ("night.override", "dusk", "'dusk' is not one of auto, day, night"),
        ("night.override", "Nights", "not one of auto"),
        ("logging.level", 5, "not one of DEBUG"),
        ("export.formats", "jpg gif bmp", "'gif' is not one of jpg, png, npy; 'bmp' is not one of jpg, png, npy"),
        ("export.formats", "", "nothing is not a list of jpg, png, npy"),
        ("export.formats", "[", "'[' is not a list"),
        ("export.formats", "[jpg, [npy]]", "is not a list"),
        ("export.formats", "['jpg', npy]", "is not a list"),
        ("export.formats", "[]", "'[]' is not a list of jpg, png, npy; 1 to 3"),
        pytest.param("export.formats", "['" * 50_000, "not a list", id="quotes"),
        pytest.param("export.formats", "[" * 100_000, "not a list", id="deep"),
        ("export.formats", [1], "'1' is not one of"),
        ("export.formats", [[[]]], "not one of"),
        ("export.formats", "jpg, png, npy, jpg", "ERROR: export.formats: found 4 items, expected 3 at most"),
        ("motion.ignore", "; ".join(["0,0 1,0 1,1"] * 17), "ERROR: motion.ignore: found 17 items, expected 16 at most"),
        ("node.groups", "A", "'A' is not 1 to 64 of a–z, 0–9, _ and -"),
        ("node.id", "all", "the name is reserved for commands to several nodes"),
        ("node.name", "x" * 65, "is not text of at most 64 characters"),
        ("node.name", "a\nb", "a line break or another control character is in it"),
        ("node.name", "\ud800", "not text"),
        ("export.base_dir", "", "a folder must be named"),
        ("export.base_dir", "a\0b", "control character"),
        ("camera.source", "usb", "expected one of auto, picamera2"),
        ("camera.source", "rtsp://", "expected one of auto"),
        ("mqtt.host", "mqtt://broker", "only the name or address goes here"),
        ("mqtt.host", "broker:1883", "only the name or address goes here"),
        ("mqtt.host", "broker..lan", "between two dots of a host name are 1 to 63 characters"),
        ("mqtt.base_topic", "a/#", "no wildcards"),
        ("mqtt.base_topic", "/a", "no slash at its start"),
        ("mqtt.password", 5, "that is not text"),
        ("mqtt.password", "x" * 1025, "expected at most 1024 characters"),
        ("night.dark_threshold", "250", "dark_threshold (250) must be below bright_threshold (240)"),
        ("mqtt.tls.cert", "a.pem", "cert and key go together"),
        ("http.trusted_proxies", "10.0.0.0/8 proxy.lan", "'proxy.lan' is not an address or a network"),
    ],
)
def test_rejects_a_value(key: str, raw: object, why: str) -> None:
    said = refusal(key, raw)
    assert said.startswith(f"ERROR: {key}: ")
    assert why in said
    assert len(said) < 500


@pytest.mark.parametrize("word", ["on", "ON", "true", "True", "yes", "y", "1", "t"])
def test_accepts_the_words_for_on(word: str) -> None:
    assert changed("ring.downscale.enable", word) is True


@pytest.mark.parametrize("word", ["off", "OFF", "false", "False", "no", "n", "0", "f"])
def test_accepts_the_words_for_off(word: str) -> None:
    assert changed("night.enable", word) is False


def test_accepts_json_switches() -> None:
    assert changed("ring.downscale.enable", raw=True) is True
    assert changed("ring.downscale.enable", raw=1) is True


@pytest.mark.parametrize("key", NUMBERS)
def test_every_number_ends_where_it_says(key: str) -> None:
    info = describe(key)
    assert info.minimum is not None
    assert info.maximum is not None
    step = info.step or (1 if info.kind == "int" else 0.001)
    for edge, beyond in ((info.minimum, info.minimum - step), (info.maximum, info.maximum + step)):
        refusal(key, beyond)
        if not key.endswith("_threshold"):  # those two have a range of their own beside each other
            assert changed(key, edge) == edge


def test_a_refusal_changes_nothing() -> None:
    config = Config()
    before = config.model_dump()
    with pytest.raises(OutOfRange):
        with_value(config, "night.gain", "1e9")
    assert config.model_dump() == before


def test_a_change_makes_another_config() -> None:
    config = Config()
    other = with_value(config, "night.gain", "4")
    assert value_of(config, "night.gain") == 6.0
    assert differences(config, other) == {"night.gain": (6.0, 4.0)}


def test_a_setting_read_at_start_is_read_only() -> None:
    with pytest.raises(ReadOnly, match=r"ERROR: mqtt\.host: is read at start"):
        with_value(Config(), "mqtt.host", "other")


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("night.gian", "night.gain"),
        ("night.dark_treshold", "night.dark_threshold"),
        ("gain", "night.gain"),
        ("settings.night.exposure_us", "night.exposure_us"),
        ("xyzzy", None),
        ("", None),
        ("night", "night.mode"),
    ],
)
def test_an_unknown_key_names_the_nearest(wrong: str, nearest: str | None) -> None:
    assert nearest_key(wrong) == nearest
    with pytest.raises(UnknownKey, match="ERROR: invalid key ") as caught:
        with_value(Config(), wrong, "1")
    assert caught.value.data.get("nearest") == nearest


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "on"),
        (False, "off"),
        (2.5, "2.5"),
        (50.0, "50"),
        (7, "7"),
        (["jpg", "png"], "jpg, png"),
        (None, ""),
        (["0,0 1,1", "x"], '["0,0 1,1", "x"]'),
    ],
)
def test_values_read_like_people_write_them(value: object, text: str) -> None:
    assert as_text(value) == text


def test_what_is_shown_can_be_typed_again() -> None:
    config = Config()
    for key in LIVE_KEYS:
        assert with_value(config, key, as_text(value_of(config, key))) == config


def test_every_setting_is_described() -> None:
    for key, info in catalogue().items():
        assert info.doc.endswith((".", "!")), key
        assert info.title, key
        assert info.expected, key
        assert info.section == key.split(".", 1)[0]
        assert info.default is None or info.secret or json.dumps(info.default), key


def test_the_tree_is_json_with_every_setting() -> None:
    tree = json.loads(json.dumps(tree_of(Config())))
    for key in catalogue():
        branch = tree
        for part in key.split("."):
            branch = branch[part]
        assert branch == value_of(Config(), key)


CANARY = "canary-1f9c"
SECRETIVE = (
    ("mqtt.password", CANARY),
    ("camera.source", f"rtsp://admin:{CANARY}@porch.example/live"),
    ("camera.source", f"rtsp://admin:{CANARY}/x@y@porch.example/live"),
    ("camera.source", f"rtsp://porch.example/user=admin&password={CANARY}&channel=1"),
)


@pytest.mark.parametrize(("key", "value"), SECRETIVE)
def test_a_secret_is_masked_wherever_settings_are_shown(key: str, value: str) -> None:
    config = with_value(Config(), key, value, live_only=False)
    shown = [repr(config), str(config), json.dumps(tree_of(config)), str(value_of(config, key))]
    shown += [str(differences(Config(), config)), str(config.mqtt), str(config.camera)]
    assert not [text for text in shown if CANARY in text]
    assert MASK in str(value_of(config, key))
    assert any(CANARY in secret for secret in secrets_of(config))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mqtt.password", [CANARY]),
        ("mqtt.password", CANARY * 1000),
        ("mqtt.password", CANARY + "\n"),
        ("mqtt.host", f"mqtt://user:{CANARY}@broker"),
        ("mqtt.host", f"user:{CANARY}@broker"),
        ("camera.source", f"rtmp://user:{CANARY}@camera"),
        ("camera.source", f"rtsp://user:{CANARY}@camera/" + "x" * 512),
        ("night.gain", f"rtsp://user:{CANARY}@camera/"),
    ],
)
def test_a_refusal_never_repeats_a_secret(key: str, value: object) -> None:
    assert CANARY not in refusal(key, value)


JUNK: st.SearchStrategy[object] = st.one_of(
    st.text(),
    st.text(alphabet="0123456789.eE+-_ µμsmhdBKMGi,[]\"'"),
    st.floats(),
    st.integers(),
    st.booleans(),
    st.none(),
    st.binary(max_size=8),
    st.recursive(
        st.none() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5
    ),
)


@effort(max_examples=400, deadline=None)
@given(key=st.sampled_from(LIVE_KEYS), raw=JUNK)
def test_no_value_breaks_a_live_setting(key: str, raw: object) -> None:
    config = Config()
    before = config.model_dump()
    with suppress(OutOfRange):
        after = with_value(config, key, raw)
        assert Config.model_validate(after.model_dump()) == after
        assert set(differences(config, after)) <= {key}
    assert config.model_dump() == before


@effort(max_examples=100, deadline=None)
@given(key=st.text().filter(lambda key: key not in catalogue()), raw=st.text())
def test_no_key_breaks_set(key: str, raw: str) -> None:
    with pytest.raises(UnknownKey):
        with_value(Config(), key, raw)


# ---------------------------------------------------------------- words with one meaning


@pytest.mark.parametrize(
    ("key", "word", "meant"),
    [
        ("night.override", "Night", "night"),
        ("night.override", " AUTO\n", "auto"),
        ("logging.level", "debug", "DEBUG"),
        ("export.formats", "JPG", ["jpg"]),
        ("export.formats", "jpeg, Png", ["jpg", "png"]),
        ("export.formats", ["JPEG", "NPY"], ["jpg", "npy"]),
        ("export.formats", '["JPG"]', ["jpg"]),
        ("night.gain", "\ufeff8\0", 8.0),
        ("night.enable", "ON\0", True),
        ("night.enable", "Yes", True),
        ("night.enable", "False", False),
        ("mjpeg_server.fps", " 2.5 fps ", 2.5),
    ],
)
def test_a_word_with_one_meaning_is_taken(key: str, word: object, meant: object) -> None:
    assert value_of(with_value(Config(), key, word, live_only=False), key) == meant


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("night.override", "dark"),
        ("night.override", "nigth"),
        ("export.formats", "jpgg"),
        ("export.formats", ["jpg", 1]),
        ("night.gain", True),
        ("night.gain", "eight"),
        ("night.enable", "2"),
        ("night.enable", "maybe"),
    ],
)
def test_a_word_without_one_is_refused(key: str, word: object) -> None:
    with pytest.raises(OutOfRange):
        with_value(Config(), key, word, live_only=False)


@pytest.mark.parametrize(
    ("host", "address"),
    [("[::1]", "::1"), ("[fe80::1%eth0]", "fe80::1%eth0"), ("::1", "::1"), ("broker.lan", "broker.lan")],
)
@pytest.mark.parametrize("key", ["mqtt.host", "http.host", "network.trigger_host"])
def test_an_address_is_taken_as_urls_have_it(key: str, host: str, address: str) -> None:
    assert value_of(with_value(Config(), key, host, live_only=False), key) == address


def test_a_port_behind_the_address_of_the_broker_is_its_port() -> None:
    config = Config.model_validate({"mqtt": {"host": "[2001:db8::7]:8884"}})
    assert (config.mqtt.host, config.mqtt.port) == ("2001:db8::7", 8884)
    assert Config.model_validate({"mqtt": {"host": "[::1]:1884", "port": "1884"}}).mqtt.port == 1884
    with pytest.raises(ValueError, match="host names the port 1884, and port is 1883"):
        Config.model_validate({"mqtt": {"host": "[::1]:1884", "port": 1883}})


@pytest.mark.parametrize(
    "host",
    ["[::1", "::1]", "[broker]", "[127.0.0.1]", "[::1]:", "[::1]:x", "[::1]:123456", "a:1", "a..b", ".a", "ä" * 64],
)
@pytest.mark.parametrize("key", ["mqtt.host", "http.host", "network.trigger_host"])
def test_what_only_looks_like_an_address_is_refused(key: str, host: str) -> None:
    with pytest.raises(OutOfRange):
        with_value(Config(), key, host, live_only=False)


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("camera.rot", "camera.rotation"),
        ("camera.zoom", None),
        ("camera.5", None),
        ("night.Gain", "night.gain"),
        ("NIGHT.GAIN", "night.gain"),
    ],
)
def test_only_a_near_key_is_suggested(wrong: str, nearest: str | None) -> None:
    assert nearest_key(wrong) == nearest


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("motion.zones", "door=0.1,0.2 0.5,0.2 .5,0.9", ["door=0.1,0.2 0.5,0.2 .5,0.9"]),
        ("motion.zones", "a=0,0 1,0 1,1; b=0,0 1,0 0,1", ["a=0,0 1,0 1,1", "b=0,0 1,0 0,1"]),
        ("motion.zones", "a=0,0 1,0 1,1\nb=0,0 1,0 0,1\n", ["a=0,0 1,0 1,1", "b=0,0 1,0 0,1"]),
        ("privacy.masks", "0,0 0.4,0 0.4,0.5", ["0,0 0.4,0 0.4,0.5"]),
        ("motion.ignore", "", []),
        ("http.trusted_proxies", "10.0.0.1,10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
        ("export.formats", "jpg, png", ["jpg", "png"]),
    ],
)
def test_a_polygon_is_one_item_of_a_list_that_is_written_as_text(key: str, text: str, found: list[str]) -> None:
    """`mosquitto_pub -t …/set/motion.zones -m 'door=0.1,0.2 …'` was refused with each of its words for itself."""
    changed = with_value(Config(), key, text, live_only=False)
    assert [str(item) for item in value_of(changed, key)] == found
