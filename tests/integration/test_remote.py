"""The files of ``pi-cam-node remote``, checked by the programs that read them, and with a real console."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")
pytest.importorskip("segno", reason="the extra console is not installed")

from aiohttp.abc import AbstractResolver, ResolveResult

from pi_cam_node.cli.main import main
from pi_cam_node.cli.remote.tunnel import new_private_key, public_key_of
from tests.support import programs
from tests.support.broker import Mosquitto, find_mosquitto, free_port, wait_until
from tests.support.certificates import Authority
from tests.support.remote_site import NAME, FilmNode, RemoteSite
from tests.support.running_console import OWNER, PASSWORD, RunningConsole

SEGMENT = "/hls/porch/main-b1-1.m4s"
ORIGIN = {"Origin": f"https://{NAME}", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("files") / "remote"
    assert main(["remote", "--name", NAME, "--out", str(out), "--phone", "anna"]) == 0
    return out


# ------------------------------------------------------------ files


def test_the_server_script_is_clean_and_refuses_what_is_no_name(files: Path) -> None:
    script = files / "server-setup.sh"
    done = subprocess.run(
        [programs.needed("shellcheck"), script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
    for words in (["x;rm", "a@b.org"], [NAME, "nobody"], [NAME, "a@b;rm"], [NAME], []):
        ran = subprocess.run(["sh", script, *words], capture_output=True, timeout=60, check=False)
        assert ran.returncode == 2, words


def test_wg_quick_takes_every_file_and_agrees_about_keys(files: Path) -> None:
    wg, wg_quick = programs.needed("wg"), programs.needed("wg-quick")
    for path in (files / "wireguard").glob("*.conf"):
        done = subprocess.run([wg_quick, "strip", path], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "PrivateKey" in done.stdout
        assert "Address" not in done.stdout
    key = new_private_key()
    told = subprocess.run([wg, "pubkey"], input=key, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == public_key_of(key)


# ------------------------------------------------------------ the site


class ThisMachine(AbstractResolver):
    """Finds every name on this machine."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


@dataclass
class House:
    """A broker, a console, a node with a live film, and the site in front of them."""

    broker: Mosquitto
    console: RunningConsole
    node: FilmNode
    site: RemoteSite
    tls: ssl.SSLContext
    cookies: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def browser(self, name: str = "") -> Any:
        """Give a browser outside, logged in where a name is given: once per account, for the site counts logins."""
        connector = aiohttp.TCPConnector(ssl=self.tls, resolver=ThisMachine(), limit=0)
        url = f"https://{NAME}:{self.site.port}"
        async with aiohttp.ClientSession(url, connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
            if name and name not in self.cookies:
                got = await post(session, "/login", {"name": name, "password": PASSWORD})
                assert got.status == 303
                assert "Secure" in got.headers["Set-Cookie"]
                self.cookies[name] = got.headers["Set-Cookie"].partition(";")[0]
            if name:
                session.headers["Cookie"] = self.cookies[name]
            yield session
        await abort_all()

    def visit(self, visit: Callable[[], Coroutine[None, None, None]]) -> None:
        asyncio.run(visit())

    def publish(self, topic: str, payload: str | bytes) -> None:
        with self.broker.client() as client:
            client.publish(f"pi_cam_node/porch/{topic}", payload, retain=True)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes


async def abort_all() -> None:
    """Reset the connections of this loop: a client that leaves would wait 30 s for the server's last word of TLS."""
    for transport in list(asyncio.get_running_loop()._transports.values()):  # type: ignore[attr-defined]
        transport.abort()
    for _ in range(3):  # they are closed in the loop's next rounds
        await asyncio.sleep(0)


async def get(session: aiohttp.ClientSession, path: str, **headers: str) -> Answer:
    async with session.get(path, headers=headers, allow_redirects=False) as got:
        return Answer(got.status, got.headers, await got.read())


async def post(session: aiohttp.ClientSession, path: str, form: dict[str, str], **headers: str) -> Answer:
    async with session.post(path, data=form, headers={**ORIGIN, **headers}, allow_redirects=False) as got:
        return Answer(got.status, got.headers, await got.read())


@pytest.fixture(scope="module")
def house(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    nginx = programs.needed("nginx")
    if find_mosquitto() is None or shutil.which("openssl") is None:
        pytest.skip("mosquitto or openssl is not installed")
    folder = tmp_path_factory.mktemp("house")
    authority = Authority(folder, "home-ca")
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder))
        node = stack.enter_context(FilmNode("b1"))
        console = stack.enter_context(
            RunningConsole(folder / "console", broker.port, console={"public_url": f"https://{NAME}"})
        )
        (folder / "nginx").mkdir()
        certificate = authority.issue(NAME)
        site = RemoteSite(folder / "nginx", files / "nginx" / "site.conf", certificate, free_port(), console.port)
        assert site.judge(nginx).startswith("0 "), site.judge(nginx)
        assert "[warn]" not in site.judge(nginx) or "http2" in site.judge(nginx)
        stack.callback(site.stop)
        made = House(broker, console, node, site.start(nginx), ssl.create_default_context(cafile=authority.ca))
        made.publish("info", json.dumps({"name": "Porch", "boot": "b1", "commands": [], "url": node.url}))
        made.publish("state/privacy", "OFF")
        made.publish("availability", "online")
        guest = {"name": "Gast", "password": PASSWORD, "role": "guest", "cameras": ["hall"]}

        async def prepare(owner: Any) -> None:
            await owner.until("/api/nodes", lambda body: body["nodes"], "the node")
            assert (await owner.post_json("/api/accounts", guest))[0] == 201

        console.visit(prepare)
        yield made


def test_a_person_outside_logs_in_and_looks(house: House) -> None:
    async def visit() -> None:
        async with house.browser() as stranger:
            assert (await get(stranger, "/", Accept="text/html")).headers["Location"] == "/login"
            assert (await get(stranger, "/api/nodes")).status == 401
            assert (await get(stranger, "/auth/check")).status == 404
            script = (await get(stranger, "/static/page.js")).body.decode()
            asked = re.search(r'function leaveIfEnded.*?fetch\("([^"]+)"', script, re.DOTALL)
            assert asked is not None
            assert (await get(stranger, asked[1])).status == 401, (
                "an open page whose session has ended asks for the login"
            )
            foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            assert (await post(stranger, "/login", {"name": OWNER, "password": PASSWORD}, **foreign)).status == 403
        async with house.browser(OWNER) as owner:
            page = await get(owner, "/", Accept="text/html")
            assert page.status == 200
            assert page.headers["Strict-Transport-Security"]
            assert (await get(owner, "/", Host="other.example.org")).status in {403, 421}
            async with owner.ws_connect("/live", headers=ORIGIN) as socket:
                await socket.send_json({"cameras": {"porch": {"fps": 5, "width": 0}}})
                assert (await socket.receive(30)).type is aiohttp.WSMsgType.TEXT
            async with owner.get("/changes") as changes:
                first, second = await changes.content.readline(), await changes.content.readline()
                assert first.startswith(b"retry: "), "when to come back, for those whose connection is cut"
                assert second.startswith(b"event: ")

    house.visit(visit)


def test_ten_viewers_cost_the_house_one_segment(house: House) -> None:
    async def visit() -> None:
        async with house.browser(OWNER) as owner:
            answers = await asyncio.gather(*(get(owner, SEGMENT) for _ in range(10)))
            assert {answer.status for answer in answers} == {200}
            assert Counter(answer.headers["X-Cache"] for answer in answers)["MISS"] == 1
            assert {len(answer.body) for answer in answers} == {200_000}
            assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-store"}
            assert not any("Set-Cookie" in answer.headers for answer in answers)
            assert (await get(owner, f"{SEGMENT}?x=1")).headers["X-Cache"] == "HIT"
            assert (await get(owner, "/hls/porch/main.m3u8")).body == b"#EXTM3U\n"

    house.visit(visit)
    assert house.node.asked[SEGMENT.replace("/porch", "")] == 1


def test_a_cached_segment_is_refused_to_whom_the_console_does_not_let_in(house: House) -> None:
    async def visit() -> None:
        async with house.browser(OWNER) as owner, house.browser() as stranger, house.browser("Gast") as guest:
            path = SEGMENT.replace("-1.", "-2.")
            assert (await get(owner, path)).status == 200
            assert (await get(owner, path)).headers["X-Cache"] == "HIT"
            assert (await get(stranger, path)).status == 401
            assert (await get(stranger, path, Cookie="console_test=made-up")).status == 401
            assert (await get(guest, path)).status == 403
            assert (await get(guest, "/hls/hall/..%2fporch/main-b1-2.m4s")).status in {403, 404}
            house.publish("state/privacy", "ON")
            try:
                async with asyncio.timeout(30):
                    while (await get(owner, path)).status != 403:  # noqa: ASYNC110 - it is the console that changes
                        await asyncio.sleep(0.1)
            finally:
                house.publish("state/privacy", "OFF")

    house.visit(visit)


def test_a_link_in_a_notification_opens_without_a_login_and_leaves_no_signature_in_the_log(house: House) -> None:
    async def visit() -> None:
        async with house.browser() as stranger:
            answer = await get(stranger, "/media/porch/p1?signature=forged&until=1")
            assert answer.status == 403

    house.visit(visit)
    wait_until(lambda: "/media/porch/p1" in house.site.log, "nginx to log the request, which it does after the answer")
    assert "signature" not in house.site.log


def test_guessing_ends_at_the_server_whatever_address_the_guesser_claims(house: House) -> None:
    async def visit() -> None:
        async with house.browser() as stranger:
            forged = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(20)]
            guesses = [await post(stranger, "/login", {"name": "Eve", "password": "x"}, **told) for told in forged]
            refused = [guess for guess in guesses if guess.status == 429]
            assert any(b"nginx" in guess.body for guess in refused)

    house.visit(visit)


def test_who_opens_several_pages_in_a_row_is_not_refused(house: House) -> None:
    """Each is up to sixty requests: small pictures were missing on the third one."""

    async def visit() -> None:
        at_once = asyncio.Semaphore(16)

        async def fetched(owner: aiohttp.ClientSession) -> int:
            async with at_once:
                return (await get(owner, "/static/icon.svg")).status

        async with house.browser(OWNER) as owner:
            assert Counter(await asyncio.gather(*(fetched(owner) for _ in range(200)))) == {200: 200}

    house.visit(visit)


def test_a_house_that_is_away_is_said(files: Path, authority: Authority, tmp_path: Path) -> None:
    nginx, folder = programs.needed("nginx"), tmp_path / "nginx"
    folder.mkdir()
    with socket.socket() as nothing:  # bound, so that nothing else listens there
        nothing.bind(("127.0.0.1", 0))
        certificate, port = authority.issue(NAME), free_port()
        site = RemoteSite(folder, files / "nginx" / "site.conf", certificate, port, nothing.getsockname()[1])
        site.start(nginx)
        try:
            tls = ssl.create_default_context(cafile=authority.ca)
            tls.check_hostname = False  # it is asked for by its address
            connection = http.client.HTTPSConnection("127.0.0.1", site.port, context=tls, timeout=60)
            connection.request("GET", "/", headers={"Host": NAME})
            answer = connection.getresponse()
            assert answer.status == 502
            assert b"The house is not reached" in answer.read()
            connection.close()
        finally:
            site.stop()
