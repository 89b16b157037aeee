"""Seeds of the fuzzer: valid inputs of each target, from the registries and by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

from pi_cam_node.camera.source import Opened
from pi_cam_node.camera.worker.frame_message import FrameInSlot, PacketInSlot, encode_frame
from pi_cam_node.camera.worker.messages import Applied, Failed, Ready, Refused, encode
from pi_cam_node.config import settings
from pi_cam_node.config.settings import as_text
from pi_cam_node.core.commands.all import registry
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.imaging.motion.interface import Blob, MotionReport
from tests.fuzz.camera_harness import SEPARATOR
from tests.fuzz.http_harness import TOKEN
from tests.support.pictures import ID, scene
from tests.support.sample_node import message

ROOT = Path(__file__).parents[2]

ARGUMENTS = (
    b"",
    b"jpg png",
    b"10",
    b'{"id":"a1"}',
    b'{"id":"a1","expires":"2026-11-20T19:46:00Z"}',
    b'{"id":1,"expires":1e11}',
    b'{"formats":["jpg"],"thumbnail":true}',
    b'{"at":"2026-11-20T19:45:00","count":3,"method":"median"}',
    b'{"at":0.5,"span_s":1,"method":"sigma_clip"}',
    b'{"n":1000}',
    b'{"verb":"save"}',
    b'"jpg"',
    b"\xff\xfe",
    b"[" * 900,
)


def seeds_of(target: str) -> list[bytes]:
    """Return valid inputs of a target."""
    return _MADE[target]()


def words() -> list[bytes]:
    """Return the dictionary of the fuzzer: keys, verbs, header names."""
    known = {*registry(), *settings.catalogue(), "id", "expires", "formats", "key", "value", "kind", "session", "slot"}
    wire = {"Range: bytes=", "If-None-Match: ", "Content-Length: ", "Cookie: session_porch=", "Authorization: Basic "}
    return sorted(word.encode() for word in known | wire)


def _command() -> list[bytes]:
    made = [
        b"l" + f"pi_cam_node/porch/cmd/{verb}".encode() + b"\0answers/here\0" + arguments
        for verb in registry()
        for arguments in ARGUMENTS
    ]
    for key, info in settings.catalogue().items():
        made.append(b"l" + f"pi_cam_node/porch/set/{key}".encode() + b"\0\0" + as_text(info.default).encode())
    return [*made, b"rpi_cam_node/porch/cmd\0\0save jpg", b"lpi_cam_node/all/cmd/save\0pi_cam_node/porch/reply/x\0"]


def _notice() -> list[bytes]:
    announced = json.dumps(message()).encode()
    old = b'{"cmps":{"gone":{"p":"sensor"},"mode":{"p":"switch"}}}'
    return [b"d" + b"r" + announced, b"d" + b"r" + old, b"hlonline", b"aloffline", b"dr[[[[", b'dr{"components":1}']


def _mqtt_wire() -> list[bytes]:
    connack5 = b"\x20\x06\x00\x00\x03\x21\x00\x14"
    limit = b"\x20\x08\x00\x00\x05\x27\x00\x01\x00\x00"
    topic = b"pi_cam_node/porch/cmd/save"
    publish5 = b"\x32" + bytes([2 + len(topic) + 2 + 1 + 3]) + b"\0" + bytes([len(topic)]) + topic + b"\0\x01\0jpg"
    answer = b"\x08\x00\x01r\x09\x00\x01c"
    with_answer = (
        b"\x30" + bytes([2 + len(topic) + 1 + len(answer)]) + b"\0" + bytes([len(topic)]) + topic + bytes([len(answer)])
    )
    publish3 = b"\x31" + bytes([2 + len(topic) + 3]) + b"\0" + bytes([len(topic)]) + topic + b"jpg"
    suback = b"\x90\x05\x00\x01\x00\x01\x87"
    return [
        b"5" + connack5 + suback + publish5,
        b"5" + limit + b"\xe0\x02\x8e\x00",
        b"5" + connack5 + with_answer + answer,
        b"5" + connack5 + b"\x40\x04\x00\x01\x97\x00" + b"\xd0\x00",
        b"3" + b"\x20\x02\x00\x00" + publish3 + b"\x90\x03\x00\x01\x80",
        b"3" + b"\x20\x02\x00\x05",
    ]


def _settings_file() -> list[bytes]:
    whole = (ROOT / "config.yaml").read_bytes()
    sections = [b"\n".join(whole.split(b"\n")[at : at + 14]) for at in range(0, 160, 14)]
    return [
        b"night:\n  gain: 5  # analogue\n",
        b"export: {formats: [jpg, png]}\r\n",
        b"\xef\xbb\xbfring:\n    size: 300\n",
        b"mqtt:\n  username: u\n  password: 'p'\n",
        b"night: &a {gain: 1}\n",
        b"--- \nnight:\n  gain: 3\n...\n",
        b"night:\n  # above\n  gain: 3\n\n# below\nring:\n  size: 100\n",
        b'node: {id: "a", groups: [a,\n b]}\n',
        *sections,
    ]


def _environment() -> list[bytes]:
    each = [f"{key.replace('.', '__').upper()}={as_text(i.default)}" for key, i in settings.catalogue().items()]
    return [line.encode() for line in each] + ["\n".join(each[at : at + 5]).encode() for at in range(0, len(each), 5)]


def _http() -> list[bytes]:
    def get(path: str, *headers: str) -> bytes:
        return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()

    def post(path: str, body: bytes, *headers: str) -> bytes:
        length = f"Content-Length: {len(body)}"
        return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", length, *headers, "", ""]).encode() + body

    form, json_type = "Content-Type: ", "Content-Type: application/json"
    part = b"--b\r\nContent-Disposition: form-data; name=token\r\n\r\nx\r\n--b--"
    requests = [
        get("/"),
        get("/login"),
        get("/static/app.js", 'If-None-Match: "x", W/"y"'),
        get("/snapshot.jpg?width=32"),
        get("/snapshot.jpg?fresh=0", "If-None-Match: *"),
        get("/stream?fps=2"),
        get("/shortstream?n=3"),
        get("/api/state", "Cookie: session_porch=abc; x=y"),
        get("/api/config"),
        get("/api/openapi.json"),
        get("/health"),
        get("/metrics", f"Authorization: Bearer {TOKEN}"),
        get("/api/state", "Authorization: Basic YTpi"),
        get(f"/media/{ID}", "Range: bytes=0-9", "If-Range: x"),
        get(f"/media/{ID}?format=jpg", "Range: bytes=-5"),
        get(f"/media/{ID}?expires=9&signature=AAAA", "If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT"),
        get(f"/media/{ID}/thumbnail"),
        get("/media/..%2f..%2fetc%2fpasswd"),
        get("/%ff%00"),
        post("/api/commands/set", b'{"key":"night.gain","value":2}', json_type),
        post("/api/commands/save", b"", "X: y"),
        post("/login", b"token=abc", f"{form}application/x-www-form-urlencoded", "Origin: http://localhost"),
        post("/login", b'{"token":"abc"}', json_type),
        post("/logout", b""),
        post("/login", part, f"{form}multipart/form-data; boundary=b"),
        get("/", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=x"),
        get("/", "Sec-Fetch-Site: cross-site", "Origin: null"),
        post("/api/commands/save", b"", json_type, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
        b"POST /logout HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        get("/", "Expect: 100-continue", "Upgrade: websocket", "Connection: upgrade"),
        b"\x16\x03\x01\x02\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
    return [mark + request for request in requests for mark in (b"t", b"o")]


def _tcp_line() -> list[bytes]:
    lines = [verb.encode() + b" " + arguments for verb in registry() for arguments in ARGUMENTS[:4]]
    return [line + b"\n" for line in lines] + [b"sa\0ve jpg\n", b"shortstream 3\r\nmore", b"GET / HTTP/1.1\r\n\r\n"]


def _camera_child() -> list[bytes]:
    ready = encode(Ready(1, Opened("synthetic", (64, 48), "bgr", controls=True)))
    tall = encode(Ready(1, Opened("synthetic", (64, 32), "i420", controls=False)))
    sensor = Sensor(exposure_us=20_000, gain=2.5, lux=120.0, temperature_c=40.0)
    figures = FrameInSlot(1, 0, (40, 0, 0, 0), (), 999.9, 1000.0, "day", sensor, 101.5, 7, False, 85, 0)
    report = MotionReport(1000.0, "", False, 1.0, 0.1, 10.0, (Blob(0.1, 0.2, 0.3, 0.4, 0.1, 999.0, ""),))
    image = encode_frame(figures)
    dark = encode_frame(figures._replace(slot=2, sizes=(40, 9, 30, 0, 64), qualities=(92,), mode="night", flat=True))
    moving = encode_frame(figures._replace(motion=report, checksum=None))
    with_packet = encode_frame(figures._replace(sizes=(40, 0, 0, 0, 9), packets=(PacketInSlot(999.9, True, 1),)))
    nonsense = encode_frame(figures._replace(sensor=replace(sensor, gain=math.nan, lux=math.inf)))
    notes = [encode(Applied(0)), encode(Refused(0, "night", "no")), encode(Failed(1, "gone"))]
    return [
        b"m" + SEPARATOR.join([ready, image, dark, moving, with_packet, *notes]),
        b"m" + SEPARATOR.join([tall, image]),
        b"s" + SEPARATOR.join([ready, image]),
        b"n" + SEPARATOR.join([ready, image]),
        b"m" + SEPARATOR.join([ready, nonsense]),
    ]


def _child_output() -> list[bytes]:
    return [
        b"\x01WARNING pi_cam_node.camera.sources.rtsp: 401 Unauthorized\n",
        b"[rtsp @ 0x55] rtsp://user:secret@porch/live: 404\n",
        b"x" * 9000 + b"\n",
        b"\xff\xfe\n\n\r\n",
    ]


def _picture() -> list[bytes]:
    small = jpeg.encode(scene(), "bgr", 80)
    return [small, jpeg.encode(scene(16, 16), "bgr", 30), small[:100], b"\xff\xd8\xff\xd9", small + small]


def _stored_file() -> list[bytes]:
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3), }"
    npy = header.ljust(127) + b"\n" + bytes(12)
    side_car = b'{"id":"x","clock_set":false}'
    return [b"j" + _picture()[0], b"n" + npy, b"x" + side_car, b"p\x89PNG\r\n\x1a\n", b"n\x93NUMPY"]


_MADE = {
    "command": _command,
    "notice": _notice,
    "mqtt_wire": _mqtt_wire,
    "settings_file": _settings_file,
    "environment": _environment,
    "http": _http,
    "tcp_line": _tcp_line,
    "camera_child": _camera_child,
    "child_output": _child_output,
    "picture": _picture,
    "stored_file": _stored_file,
}
