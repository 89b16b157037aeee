"""Access rights of the console: every account, camera and route."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from aiohttp import WSMsgType

from pi_cam_node.console.web import application  # noqa: F401 - declares the routes
from pi_cam_node.console.web.routes import ROUTES
from tests.support.broker import Mosquitto
from tests.support.console_tour import announce
from tests.support.running_console import DEADLINE_S, Browser, RunningConsole

CAMERAS = ("porch", "hall")
PASSWORD = "correct horse"
# The right that each route needs: nothing (public), a login (view), that and no choice of cameras (house), to take
# pictures and switch privacy (act), everything (own). A path with a camera, or with an event's id, needs it for that.
RIGHTS: Mapping[str, str] = {
    "DELETE /api/nodes/{camera}": "own",
    "GET /": "view",
    "GET /api/accounts": "own",
    "GET /api/events": "view",
    "GET /api/media": "view",
    "GET /api/nodes": "view",
    "GET /api/nodes/{camera}/settings": "own",
    "GET /api/openapi.json": "view",
    "GET /api/push/key": "view",
    "GET /auth/check": "public",
    "GET /ca.crt": "public",
    "GET /cameras/{camera}": "view",
    "GET /changes": "view",
    "GET /events": "view",
    "GET /events/{id}": "view",
    "GET /healthz": "public",
    "GET /hls/{camera}/{name}": "view",
    "GET /kiosk": "view",
    "GET /live": "view",
    "GET /login": "public",
    "GET /manifest.webmanifest": "public",
    "GET /media/{camera}/{id}": "view",
    "GET /media/{camera}/{id}/thumbnail": "view",
    "GET /metrics": "own",
    "GET /offline": "public",
    "GET /pair": "public",
    "GET /parts/facts/{camera}": "view",
    "GET /parts/settings/{camera}": "own",
    "GET /parts/strip/{camera}": "view",
    "GET /parts/tile/{camera}": "view",
    "GET /parts/{part}": "view",
    "GET /recordings": "view",
    "GET /recordings/{camera}/{id}": "view",
    "GET /sensors": "house",
    "GET /sensors/{key}": "house",
    "GET /settings": "view",
    "GET /settings/accounts": "own",
    "GET /settings/devices": "view",
    "GET /settings/nodes/{camera}": "own",
    "GET /settings/rules": "own",
    "GET /setup": "public",
    "GET /static/{name}": "public",
    "GET /sw.js": "public",
    "POST /api/accounts": "own",
    "POST /api/nodes/{camera}/{verb}": "own",
    "POST /api/push/subscribe": "view",
    "POST /cameras/{camera}/{action}": "act",
    "POST /events/{id}/delete": "own",
    "POST /events/{id}/share": "act",
    "POST /hls/{camera}/share": "act",
    "POST /login": "public",
    "POST /logout": "public",
    "POST /mode": "act",
    "POST /pair/approve": "own",
    "POST /pushes": "act",
    "POST /recordings/{camera}/{id}/{action}": "act",
    "POST /sensors": "own",
    "POST /sensors/{key}": "own",
    "POST /sensors/{key}/remove": "own",
    "POST /settings/accounts": "own",
    "POST /settings/accounts/{id}/cameras": "own",
    "POST /settings/accounts/{id}/password": "own",
    "POST /settings/accounts/{id}/remove": "own",
    "POST /settings/channels": "own",
    "POST /settings/devices/{id}": "view",
    "POST /settings/devices/{id}/remove": "view",
    "POST /settings/devices/{id}/test": "view",
    "POST /settings/look": "view",
    "POST /settings/nodes/{camera}/remove": "own",
    "POST /settings/nodes/{camera}/save": "own",
    "POST /settings/nodes/{camera}/set": "own",
    "POST /settings/password": "view",
    "POST /settings/rules": "own",
    "POST /settings/rules/{number}/remove": "own",
    "POST /settings/sessions/{hash}/end": "own",
    "POST /setup": "public",
}
ALLOWED = {
    "owner": {"public", "view", "house", "act", "own"},
    "member": {"public", "view", "house", "act"},
    "guest": {"public", "view", "house"},
    "kiosk": {"public", "view", "house"},
    "": {"public"},
}
# They end the session that asks, or what others ask for.
LAST = {"POST /events/{id}/delete", "POST /logout"}
# These are open to everybody, and refuse a wrong password, a used link, or what a proxy may not hand out.
REFUSING = {"GET /auth/check", "POST /login", "POST /setup"}
NAMES = {"name": "main.m3u8", "part": "strip", "action": "keep", "verb": "explain", "number": "7"}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account: what it may do, and with which cameras; an empty role is a stranger."""

    name: str
    role: str
    cameras: tuple[str, ...] = CAMERAS

    def may(self, key: str, camera: str) -> bool:
        """Tell whether a route is open to this account, with a camera."""
        right = RIGHTS[key]
        is_of_camera = "{camera}" in key or "/events/{id}" in key
        if right == "public" or right not in ALLOWED[self.role]:
            return right == "public"
        return self.cameras == CAMERAS or (right != "house" and (not is_of_camera or camera in self.cameras))


PEOPLE = (
    Person("Nobody", ""),
    Person("Anna", "owner"),
    Person("Max", "member"),
    Person("Mia", "member", ("porch",)),
    Person("Gast", "guest", ("porch",)),
    Person("Wall", "kiosk"),
    Person("Door", "kiosk", ("porch",)),
)


def plain(path: str) -> str:
    """Return a route's path without the patterns of its parts."""
    return re.sub(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", r"{\1}", path)


def address(key: str, camera: str, events: Mapping[str, int]) -> tuple[str, str]:
    """Return method and path of a route, with a camera, and for events with the number of one of its own."""
    method, path = key.split(" ")
    path = path.replace("{camera}", camera).replace("/events/{id}", f"/events/{events[camera]}")
    if path.startswith("/static/"):
        return method, "/static/base.css"
    if path.startswith("/cameras/"):
        path = path.replace("{action}", "dance")
    return method, re.sub(r"\{(\w+)\}", lambda found: NAMES.get(found[1], "x"), path)


async def is_refused(browser: Browser, method: str, path: str) -> bool:
    """Tell whether a request is refused, or told that there is no such thing."""
    body: object = {} if path.startswith("/api/") and method == "POST" else None
    async with browser.session.request(method, path, allow_redirects=False, json=body) as answer:
        said = (await answer.content.readany()).decode("utf-8", "replace")
        assert answer.status != 500, f"{method} {path}: {said}"
        return answer.status in {401, 403} or said in {"there is no such camera\n", "there is no such event\n"}


def test_the_table_has_every_route() -> None:
    assert {f"{route.method} {plain(route.path)}" for route in ROUTES} == set(RIGHTS)


async def pair(owner: Browser, wall: Browser, person: Person) -> None:
    """Log a screen on a wall in."""
    code = re.search(r'class="code">([A-Z2-9]{6})<', (await wall.get("/pair"))[1])
    assert code is not None
    assert (await owner.post("/pair/approve", {"code": code[1], "name": person.name}))[0] == 200
    assert (await wall.get("/pair"))[0] == 303
    if person.cameras != CAMERAS:
        (number,) = [one["id"] for one in await owner.json("/api/accounts") if one["name"] == person.name]
        form = {"role": "kiosk", "cameras": person.cameras[0]}
        assert (await owner.post(f"/settings/accounts/{number}/cameras", form))[0] == 200


async def come(stack: AsyncExitStack, owner: Browser, console: RunningConsole) -> dict[Person, Browser]:
    """Make the accounts, and log each in."""
    found = {}
    for person in PEOPLE:
        browser = found[person] = await stack.enter_async_context(Browser(console))
        if person.role in {"member", "guest"}:
            cameras = None if person.cameras == CAMERAS else person.cameras
            body = {"name": person.name, "password": PASSWORD, "role": person.role, "cameras": cameras}
            assert (await owner.post_json("/api/accounts", body))[0] == 201
        if person.role == "kiosk":
            await pair(owner, browser, person)
        elif person.role:
            await browser.log_in(person.name, PASSWORD)
    return found


async def cameras_seen(browser: Browser) -> set[str]:
    """Return the cameras of which pictures come to who asks for all."""
    seen: set[str] = set()
    async with browser.session.ws_connect("/live") as socket:
        await socket.send_json({"cameras": {camera: {"fps": 5, "width": 0} for camera in CAMERAS}})
        try:
            async with asyncio.timeout(DEADLINE_S) as limit:
                while seen != set(CAMERAS):
                    message = await socket.receive()
                    if message.type is WSMsgType.BINARY:
                        seen.add(message.data[1 : 1 + message.data[0]].decode())
                        # The picture of the other camera is there already: it comes with the first, or never.
                        limit.reschedule(asyncio.get_running_loop().time() + 1.0)
        except TimeoutError:
            assert seen, "no picture at all"
    return seen


def test_every_account_with_every_camera_on_every_route(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(owner: Browser) -> None:
        await owner.until("/api/nodes", lambda body: len(body["nodes"]) == 2, "both nodes")
        told = await owner.until("/api/events", lambda body: len(body) == 2, "an event of each")
        events = {event["camera"]: event["number"] for event in told}
        async with AsyncExitStack() as stack:
            people = await come(stack, owner, console)
            wrong: list[str] = []

            async def judge(person: Person, key: str, camera: str) -> None:
                method, path = address(key, camera, events)
                async with at_once[person]:
                    refused = await is_refused(people[person], method, path)
                if refused is person.may(key, camera):
                    wrong.append(f"{person.name} {'may not' if refused else 'may'} {method} {path}")

            at_once = {person: asyncio.Semaphore(8) for person in PEOPLE}
            first = [key for key in RIGHTS if key not in LAST | REFUSING]
            await asyncio.gather(*(judge(*one) for one in itertools.product(PEOPLE, first, CAMERAS)))
            for person in PEOPLE:
                if person.role:
                    assert await cameras_seen(people[person]) == set(person.cameras), person.name
            for key, person in itertools.product(sorted(LAST), (one for one in PEOPLE if one.role != "owner")):
                await judge(person, key, "hall")
            assert wrong == [], "\n".join(wrong)

    with broker.client() as client:
        for camera in CAMERAS:
            announce(client, camera)
        with RunningConsole(tmp_path / "console", broker.port) as console:
            for camera in CAMERAS:
                body = f'{{"event_type": "picture_saved", "id": "{camera}-1", "media": {{"id": "p1"}}}}'
                client.publish(f"pi_cam_node/{camera}/event/picture_saved", body)
            console.visit(visit)
