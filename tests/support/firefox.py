"""Headless Firefox controlled by Marionette, with a push service on loopback.

Marionette: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html. The push service implements
autopush's WebSocket protocol for the browser and RFC 8030 for senders.
"""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.support.broker import free_port, port_of, reserved_port

START_S = 60.0


def find_firefox() -> str | None:
    """Return the path of a Firefox."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class PushService:
    """Receives the messages for a browser and delivers them.

    Attributes:
        port: Port on loopback.
        sent: Headers and body of each received message.
        acknowledged: Acknowledgements of the browser.
        gone: Whether subscriptions have ended.
    """

    def __init__(self) -> None:
        self._socket = reserved_port()
        self.port = port_of(self._socket)
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.acknowledged: list[dict[str, Any]] = []
        self.gone = False
        self._channels: dict[str, web.WebSocketResponse] = {}

    async def start(self) -> web.AppRunner:
        """Start listening."""
        app = web.Application()
        app.router.add_get("/", self._browser)
        app.router.add_post("/wpush/{channel}", self._message)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, self._socket).start()
        return runner

    async def _browser(self, request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse(protocols=("push-notification",))
        await answer.prepare(request)
        async for message in answer:
            if message.type is not WSMsgType.TEXT:
                break
            told = json.loads(message.data) if message.data.strip() not in {"", "{}"} else {}
            await self._answer(answer, told)
        return answer

    async def _answer(self, answer: web.WebSocketResponse, told: dict[str, Any]) -> None:
        match told.get("messageType", "ping"):
            case "hello":
                name = told.get("uaid") or uuid.uuid4().hex
                hello: dict[str, object] = {
                    "messageType": "hello",
                    "status": 200,
                    "uaid": name,
                    "use_webpush": True,
                    "broadcasts": {},
                }
                await answer.send_json(hello)
            case "register":
                channel = told["channelID"]
                self._channels[channel] = answer
                endpoint = f"http://127.0.0.1:{self.port}/wpush/{channel}"
                registered = {"messageType": "register", "status": 200, "channelID": channel, "pushEndpoint": endpoint}
                await answer.send_json(registered)
            case "ack":
                self.acknowledged += told.get("updates", [])
            case "ping":
                await answer.send_str("{}")

    async def _message(self, request: web.Request) -> web.Response:
        channel, body = request.match_info["channel"], await request.read()
        self.sent.append((dict(request.headers), body))
        if self.gone:
            return web.Response(status=410)
        browser = self._channels.get(channel)
        if browser is not None:
            data = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
            told = {"messageType": "notification", "channelID": channel, "version": uuid.uuid4().hex, "ttl": 60}
            await browser.send_json({**told, "data": data, "headers": {"encoding": "aes128gcm"}})
        return web.Response(status=201)


class Firefox:
    """A browser window."""

    def __init__(self, port: int) -> None:
        self._socket = self._connected(port)
        self._number = 0
        self._answers = self._socket.makefile("rb")
        self._read()
        self._command("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self._command("WebDriver:SetTimeouts", script=40_000)

    def _connected(self, port: int) -> socket.socket:
        until_s = time.monotonic() + START_S
        while True:
            with suppress(OSError):
                made = socket.create_connection(("127.0.0.1", port), 2)
                made.settimeout(60)
                return made
            assert time.monotonic() < until_s, "Firefox does not listen"
            time.sleep(0.2)

    def close(self) -> None:
        """End the session; the browser ends with its process."""
        self._answers.close()
        self._socket.close()

    def open(self, url: str) -> None:
        """Load a page."""
        self._command("WebDriver:Navigate", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript that ends with a call of ``done``; return the argument of that call."""
        whole = f"const done = arguments[arguments.length - 1];\n{script}"
        more = {"script": whole, "args": list(arguments), "sandbox": "default", "newSandbox": False}
        return self._command("WebDriver:ExecuteAsyncScript", **more)

    def _command(self, name: str, **parameters: object) -> Any:
        self._number += 1
        raw = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(str(len(raw)).encode() + b":" + raw)
        _, _, error, result = self._read()
        assert not error, error
        return result.get("value", result) if isinstance(result, dict) else result

    def _read(self) -> Any:
        length = b""
        while (byte := self._answers.read(1)) != b":":
            assert byte, "Firefox has ended"
            length += byte
        return json.loads(self._answers.read(int(length)))


@contextmanager
def firefox(profile: Path, push_port: int) -> Iterator[Firefox]:
    """Run a Firefox whose pushes come from a service on loopback."""
    port = free_port()
    settings = {
        "dom.push.connection.enabled": True,
        "dom.push.serverURL": f"ws://127.0.0.1:{push_port}/",
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.alwaysConnect": True,
        "permissions.default.desktop-notification": 1,
        "alerts.useSystemBackend": False,
        "marionette.port": port,
        "app.update.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
    }
    profile.mkdir(parents=True)
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items())
    (profile / "user.js").write_text("".join(lines))
    program = find_firefox()
    assert program is not None
    command = [program, "--headless", "--marionette", "--profile", str(profile), "--no-remote"]
    with (profile / "firefox.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={"HOME": str(profile), "MOZ_HEADLESS": "1", "PATH": "/usr/bin:/bin"}
        )
    try:
        window = Firefox(port)
        try:
            yield window
        finally:
            window.close()
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
