"""Shell commands and path traversals, sent to every interface."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from pi_cam_node.base.errors import NodeError, SourceError
from pi_cam_node.camera.catalogue import make
from pi_cam_node.camera.source import controls_of
from pi_cam_node.config import Config, settings
from pi_cam_node.config.settings import catalogue
from pi_cam_node.web.application import routes
from tests.faults.observed_node import ObservedNode, watched
from tests.support.broker import Mosquitto
from tests.support.running_node import BASE

pytestmark = pytest.mark.faults

CANARY = "the secret that lies outside"
TOUCH = (
    "touch {}", ";touch {}", "; touch {};", "|touch {}", "||touch {}", "&touch {}", "&&touch {}&&", "`touch {}`",
    "$(touch {})", "${{IFS}}touch${{IFS}}{}", "x;touch {}#", "'; touch {}; '", '"; touch {}; "', "')touch {}('",
    "\\ntouch {}", "%0atouch {}", "x\ntouch {}\n", "x\r\ntouch {}", "\0touch {}", "-o {}", "--output={}", "> {}",
    ">> {}", "< /etc/passwd > {}", "$(>{})", "@{}", "file://{}", "!touch {}", "~;touch {}", "*;touch {}",
    "{{touch,{}}}",
    "$((`touch {}`))", "<(touch {})", ">(tee {})", "x'$(touch {})'x", "%(touch {})s", "#{{touch {}}}", "${{touch {}}}",
    "a.jpg;touch {}", "exec:touch {}", "/dev/null;touch {}",
)  # fmt: skip
SOURCES = ("v4l2:{}", "file:{}", "rtsp://127.0.0.1:9/{}", "picamera2:{}", "synthetic?loss={}")


def text_settings() -> list[str]:
    """Return the settings that take a text or a path, or a list of them."""
    return [key for key, info in catalogue().items() if info.kind in ("text", "list")]


def payloads(canary: Path) -> list[str]:
    return [text.format(canary) for text in TOUCH]


@pytest.mark.short
@pytest.mark.promise("X1")
def test_no_text_setting_is_ever_a_command(tmp_path: Path, figure: Callable[[str], None]) -> None:
    canary, tried, refused = tmp_path / "canary", 0, 0
    keys = text_settings()
    assert {"node.name", "camera.source", "mqtt.host", "export.base_dir"} <= set(keys)
    for key, text in itertools.product(keys, payloads(canary)):
        tree: object = text
        for part in reversed(key.split(".")):
            tree = {part: tree}
        interfaces = (partial(Config.model_validate, tree), partial(settings.with_value, Config(), key, text))
        for door in interfaces:
            tried += 1
            try:
                door()
            except (ValueError, NodeError):
                refused += 1
    assert not canary.exists()
    assert 0 < refused < tried
    figure(f"{len(keys)} text settings x {len(TOUCH)} payloads by file and by set: {tried} tries, 0 commands run")


@pytest.mark.short
@pytest.mark.promise("X1")
@pytest.mark.parametrize("form", SOURCES)
def test_no_source_hands_its_name_to_a_shell(tmp_path: Path, form: str) -> None:
    canary = tmp_path / "canary"
    for text in payloads(canary):
        try:
            config = Config.model_validate({"camera": {"source": form.format(text)}})
            source = make(config.camera.source)
        except (ValueError, NodeError):
            continue  # refused before anything was opened
        if form.startswith("rtsp"):
            continue  # a network camera that is not there is waited for; its address goes to a library, not a shell
        try:
            source.open(config.camera, controls_of(config, "day"))
        except SourceError:
            source.close()
        else:
            raise AssertionError(f"{form.format(text)} is no camera")
    assert not canary.exists()


@pytest.fixture
def node(broker: Mosquitto, tmp_path: Path) -> Iterator[ObservedNode]:
    folder = tmp_path / "house"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text(CANARY)
    (folder / "captures").mkdir()
    (folder / "captures" / "notes.txt").write_text(CANARY)
    (folder / "captures" / "20261120T194501123Z-3f2a91c0-000042-single.jpg").symlink_to(tmp_path / "secret.txt")
    with watched(folder, broker, logging={"level": "DEBUG"}) as running:
        yield running


def ways_out(folder: Path) -> list[str]:
    """Return some 200 spellings of a path traversal from the folder of pictures."""
    ups = (
        "../", "..\\", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "%252e%252e%252f", "....//", "..;/", "..%c0%af",
        "%c0%ae%c0%ae/", "..%00/", "./../", "/../", "\\..\\", "..%5c", "．．/", "..／",
    )  # fmt: skip
    targets = ("secret.txt", "captures/notes.txt", "house/captures/notes.txt")
    spelled = [up * depth + target for up, depth, target in itertools.product(ups, (1, 2, 3, 5), targets)]
    absolute = [f"{prefix}{folder.parent}/secret.txt" for prefix in ("", "/", "file://", "//", "\\\\", "C:")]
    inside = [
        "notes.txt",
        ".",
        "..",
        "/",
        "./notes.txt",
        "20261120T194501123Z-3f2a91c0-000042-single",
        "~",
        "*",
        "%",
        "",
    ]
    tails = [
        f"../../secret.txt{tail}" for tail in ("\0", "%00", "%00.jpg", "?x", "#x", ".jpg", "/.", "\n", " ", "x" * 300)
    ]
    return spelled + absolute + inside + tails


def http_answer(port: int, method: str, path: str, body: bytes = b"") -> bytes:
    """Return the whole answer to a path that no library has normalized."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, "/", skip_accept_encoding=True)
        # What is no path cannot be in a request line; the rest goes out as it is.
        target = "".join(c if c.isprintable() and c.isascii() and c != " " else quote(c, safe="") for c in path)
        connection._buffer[0] = f"{method} {target} HTTP/1.1".encode()  # type: ignore[attr-defined]
        if body:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        if "multipart" in (response.getheader("Content-Type") or ""):
            return b""  # the live stream, which has no end
        return response.read()
    finally:
        connection.close()


OWN_FILM = re.compile(r"/house/captures/\.?\d{8}T\d{9}Z-[0-9a-f]{8}-\d{6}-(clip|recording|event)\.[a-z0-9.]+$")


def tree(folder: Path) -> set[str]:
    """Return every file below a folder but those that a node may write, clips and films among them."""
    found = {str(Path(top, name)) for top, _, names in os.walk(folder) for name in names}
    return {name for name in found if not name.endswith((".log", "token")) and not OWN_FILM.search(name)}


@pytest.mark.promise("X2")
def test_no_spelling_of_a_name_leads_out_of_the_folder(
    node: ObservedNode, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    picture = node.commands.ask("save")["data"]["id"]
    assert http_answer(node.port, "GET", f"/media/{picture}").startswith(b"\xff\xd8"), "this door opens for pictures"
    before, tried = tree(tmp_path), 0
    ways = ways_out(tmp_path / "house")
    assert len(ways) >= 200
    patterns = [(route.method, route.path) for route in routes() if "{" in route.path]
    assert len(patterns) >= 4
    for way, (method, pattern) in itertools.product(ways, patterns):
        head, _, rest = pattern.partition("{")
        path = head + way + rest.partition("}")[2]
        body = json.dumps({"id": way, "path": way}).encode() if method == "POST" else b""
        assert CANARY.encode() not in http_answer(node.port, method, path, body), path
        tried += 1
    for way in ways:
        assert CANARY.encode() not in http_answer(node.port, "GET", f"/{way}"), way
        tried += 1
    tried += told_over_mqtt(node, ways)
    assert tree(tmp_path) == before
    figure(f"{len(ways)} spellings, {tried} tries on {len(patterns)} routes, every command and setting: nothing opened")


def told_over_mqtt(node: ObservedNode, ways: list[str]) -> int:
    """Send every traversal in every command and every live text setting; return the number of tries."""
    client, tried = node.commands.client, 0
    info = json.loads(client.latest(f"{BASE}/info") or b"{}")
    verbs = sorted(set(info["commands"]) - {"restart", "overwrite_config", "save", "pastStack", "shortstream"})
    live = [key for key in text_settings() if catalogue()[key].live]
    for number, way in enumerate(ways):
        for verb in verbs:
            client.publish(f"{BASE}/cmd/{verb}", way.encode(errors="replace"), qos=0)
        for verb in ("save", "pastStack"):
            hostile = {"path": way, "formats": [way], "name": way, "id": f"x{number}"}
            client.publish(f"{BASE}/cmd/{verb}", json.dumps(hostile), qos=0)
        for key in live:
            client.publish(f"{BASE}/set/{key}", way.encode(errors="replace"), qos=0)
        tried += len(verbs) + 2 + len(live)
        if number % 10 == 9:  # as fast as answers come: a broker drops what a client does not fetch
            assert node.commands.ask("get", key="night.gain")["ok"]
    said = b"".join(message.payload for message in client.received)
    assert CANARY.encode() not in said
    return tried


def sections_of(tree: object, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every section of the settings, the root first."""
    if isinstance(tree, dict):
        yield way
        for name, below in tree.items():
            yield from sections_of(below, (*way, name))


@pytest.mark.short
@pytest.mark.promise("X3")
def test_no_unknown_key_and_no_other_type_passes_at_any_depth(figure: Callable[[str], None]) -> None:
    ways = list(sections_of(Config().model_dump()))
    assert len(ways) > 10
    tried = 0
    for way, name in itertools.product(ways, ("exec", "command", "ffmpeg_args", "__class__", "model_config", "")):
        tree: object = {name: "touch /tmp/x"}
        for part in reversed(way):
            tree = {part: tree}
        with pytest.raises(ValueError, match=r".*"):
            Config.model_validate(tree)
        tried += 1
    for key, value in itertools.product(text_settings(), ({"exec": "x"}, [{"exec": "x"}], [["x"]], 7, True)):
        tree = value
        for part in reversed(key.split(".")):
            tree = {part: tree}
        try:
            taken = Config.model_validate(tree)
        except ValueError:
            tried += 1
            continue
        raise AssertionError(f"{key} took {value!r}: {taken}")
    figure(f"{tried} unknown keys and foreign types at {len(ways)} depths: all refused")
