"""Final checks of a soak test, some time after the last fault: retained state, settings, log, films, stop."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av

from benchmarks.soak.records import Records
from benchmarks.soak.rig import ROOT, Rig
from tests.support.broker import Client, wait_until

SETTLE_S = 3.0
CONFIG = f"{ROOT}/config/"
ERROR_LINE = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) ", re.MULTILINE)


def look(rig: Rig, records: Records) -> None:
    """Record the retained messages, faults in them, how the node stops, and whether films are playable."""
    with rig.broker.client() as client:
        client.subscribe(f"{ROOT}/#", "homeassistant/#")
        time.sleep(SETTLE_S)
        retained = {message.topic: message.payload for message in client.received if message.retain}
        records.add(
            "retained", topics=len(retained), wrong=[*_wrong_states(retained), *_wrong_settings(client, retained)]
        )
        code = rig.stop_node()
        time.sleep(1)
        farewell = (client.latest(f"{ROOT}/availability") or b"").decode()
    records.add("stopped", code=code, farewell=farewell)
    films = rig.films
    records.add("films", count=len(films), broken=[film.name for film in films if not _plays(film)])


def look_at_log(path: Path, records: Records) -> None:
    """Record log lines that must never occur: tracebacks and internal errors."""
    text = path.read_text(errors="replace")
    records.add("tracebacks", count=text.count("Traceback (most recent"), errors=len(ERROR_LINE.findall(text)))


def _plays(film: Path) -> bool:
    """Tell whether a film has pictures, and all of them can be decoded."""
    try:
        with av.open(str(film)) as container:
            return sum(1 for _ in container.decode(video=0)) > 0
    except av.FFmpegError:
        return False


def _wrong_states(retained: Mapping[str, bytes]) -> Iterator[str]:
    """Yield messages about wrong or missing retained states."""
    for topic in (f"{ROOT}/availability", f"{ROOT}/camera/availability"):
        if retained.get(topic) != b"online":
            yield f"{topic} is {retained.get(topic)!r}"
    for topic in (f"{ROOT}/{name}" for name in ("info", "state/mode", "state/brightness", "media/last")):
        if topic not in retained:
            yield f"{topic} is absent"
    if not any(topic.startswith("homeassistant/device/") for topic in retained):
        yield "discovery is absent"


def _wrong_settings(client: Client, retained: Mapping[str, bytes]) -> Iterator[str]:
    """Yield messages about retained settings that differ from the current ones.

    Unknown keys are ignored, as a link that flips bits also creates random topics.
    """
    said = {
        topic.removeprefix(CONFIG): payload.decode() for topic, payload in retained.items() if topic.startswith(CONFIG)
    }
    checked = 0
    for key, value in said.items():
        reply = _ask(client, "get", {"key": key})
        if reply["code"] == "unknown_key":
            continue
        checked += 1
        held = reply["data"]["value"]
        if not _same(value, held):
            yield f"config/{key} is {value!r}, in force is {held!r}"
    if not checked:
        yield "no setting is retained"


def _same(said: str, held: Any) -> bool:
    """Tell whether a retained payload equals a current value, in any notation."""
    if isinstance(held, bool):
        return said.lower() in ({"true", "on"} if held else {"false", "off"})
    try:
        read = json.loads(said)
    except ValueError:
        read = said
    if isinstance(held, list) and isinstance(read, str):  # comma-separated; an empty list is ""
        return read.replace(",", " ").split() == held
    return bool(read == held) or said == held


def _ask(client: Client, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    name = f"end-{time.monotonic_ns()}"

    def reply() -> dict[str, Any] | None:
        for message in reversed(client.received):
            if message.topic == f"{ROOT}/reply/{verb}" and name.encode() in message.payload:
                found: dict[str, Any] = json.loads(message.payload)
                return found
        return None

    client.publish(f"{ROOT}/cmd/{verb}", json.dumps({"id": name, **body}))
    wait_until(reply, f"the reply to {verb}", 30)
    return reply() or {}
