"""The end of a soak, when no fault has come for a while: is everything right that the node says and has?"""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks.soak.records import Records
from benchmarks.soak.rig import ROOT, Rig
from tests.integration.broker import Client, wait_until

SETTLE_S = 3.0


def look(rig: Rig, records: Records) -> None:
    """Record what a stranger finds on the broker, what is wrong with it, and how the node stops."""
    with rig.broker.client() as client:
        client.subscribe(f"{ROOT}/#", "homeassistant/#")
        time.sleep(SETTLE_S)
        retained = {message.topic: message.payload for message in client.received if message.retain}
        wrong = _wrong(client, retained)
        records.add("retained", topics=len(retained), wrong=wrong)
        code = rig.stop_node()
        time.sleep(1)
        farewell = (client.latest(f"{ROOT}/availability") or b"").decode()
    records.add("stopped", code=code, farewell=farewell)


def _wrong(client: Client, retained: dict[str, bytes]) -> list[str]:
    """Return what is retained and not so, in words."""
    wrong = [
        f"{topic} is {retained.get(topic)!r}"
        for topic in (f"{ROOT}/availability", f"{ROOT}/camera/availability")
        if retained.get(topic) != b"online"
    ]
    absent = [
        name for name in ("info", "state/mode", "state/brightness", "media/last") if f"{ROOT}/{name}" not in retained
    ]
    wrong += [f"{ROOT}/{name} is absent" for name in absent]
    if not any(topic.startswith("homeassistant/device/") for topic in retained):
        wrong.append("discovery is absent")
    keys = [topic.removeprefix(f"{ROOT}/config/") for topic in retained if topic.startswith(f"{ROOT}/config/")]
    if not keys:
        wrong.append("no setting is retained")
    for key in keys:
        said = retained[f"{ROOT}/config/{key}"].decode()
        held = _ask(client, "get", {"key": key})["data"]["value"]
        if not _same(said, held):
            wrong.append(f"config/{key} is {said!r}, in force is {held!r}")
    return wrong


def _same(said: str, held: Any) -> bool:
    """Tell whether a retained payload is a value in force, however it is spelt."""
    if isinstance(held, bool):
        return said.lower() in ({"true", "on"} if held else {"false", "off"})
    if isinstance(held, list):
        return said.replace(",", " ").split() == held
    try:
        return bool(json.loads(said) == held)
    except ValueError:
        return said == str(held)


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
