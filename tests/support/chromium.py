"""Headless Chromium controlled by the Chrome DevTools protocol: clicks, keys, and reported errors."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

DEADLINE_S = 60.0


def find_chromium() -> str | None:
    """Return the path of Chromium; ``None`` if not installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Tab:
    """A page with a separate browser profile.

    Attributes:
        requests: Addresses of all requests of the page.
        complaints: Script errors, violations of the content security policy, and other warnings; without responses
            with an error status, as the page itself shows what the node refuses.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._socket = socket
        self._session: str | None = None
        self._asked = asyncio.Event()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def listen(self) -> None:
        """Receive the browser's messages until it ends: responses, requests, warnings."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            else:
                self._note(said["method"], said["params"])

    def _note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
            self._asked.set()
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"])[:500])
        elif event == "Runtime.consoleAPICalled" and about["type"] in {"error", "warning", "assert"}:
            self.complaints.append(json.dumps(about["args"])[:500])
        elif event == "Log.entryAdded" and about["entry"]["source"] != "network":
            self.complaints.append(f"{about['entry']['source']}: {about['entry']['text']}")

    async def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol; return the result."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        order: dict[str, object] = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(order | ({"sessionId": self._session} if self._session else {}))
        answer = await asyncio.wait_for(self._waiting[number], DEADLINE_S)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, *, is_private: bool) -> None:
        """Open the page and subscribe to its events; a private one stores nothing in the profile."""
        where = await self.send("Target.createBrowserContext") if is_private else {}
        target = await self.send("Target.createTarget", url="about:blank", **where)
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Network", "Runtime", "Log", "Page"):
            await self.send(f"{domain}.enable")

    async def leave(self) -> None:
        """Close the browser, so that its profile is written."""
        self._session = None
        await self.send("Browser.close")

    async def look(self, *, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False) -> None:
        """Set the size of the window, and the light or dark theme."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.send("Emulation.setEmulatedMedia", features=features)

    async def go(self, url: str) -> None:
        """Load a page, without waiting for streams."""
        answer = await self.send("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        await self.until("document.readyState !== 'loading' && location.href !== 'about:blank'")

    async def value(self, expression: str) -> Any:
        """Evaluate a JavaScript expression; promises are awaited."""
        answer = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    async def until(self, expression: str, what: str = "") -> None:
        """Wait until an expression is true on the page."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while not await self.value(expression):
            assert asyncio.get_running_loop().time() < end, f"{what or expression}\n{await self.text('body')}"
            await asyncio.sleep(0.05)

    async def pass_midnight(self) -> None:
        """Advance the page's clock by a day."""
        await self.value(
            "(() => { const Real = Date, day = 86_400_000; window.Date = class extends Real {"
            " constructor(...told) { told.length ? super(...told) : super(Real.now() + day); }"
            " static now() { return Real.now() + day; } }; })()"
        )

    async def until_asked(self, path: str) -> None:
        """Wait until the page has requested a path since `requests` was last cleared."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(asked.endswith(path) for asked in self.requests):
                self._asked.clear()
                await self._asked.wait()

    async def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def click(self, selector: str, across: float = 0.5) -> None:
        """Click an element at a share of its width, once its position is stable."""
        before, where = None, await self._box(selector)
        async with asyncio.timeout(DEADLINE_S):
            while where != before:  # elements above it may still be loading
                await asyncio.sleep(0.1)
                before, where = where, await self._box(selector)
        x, y = where[0] + where[2] * across, where[1] + where[3] / 2
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def _box(self, selector: str) -> list[float]:
        """Scroll to an element; return its left, top, width and height in CSS pixels."""
        box: list[float] = await self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect();"
            " return [r.left, r.top, r.width, r.height]; })()"
        )
        return box

    async def write(self, selector: str, text: str) -> None:
        """Replace the text of a field by keyboard input, and press Enter."""
        await self.click(selector)
        await self.value(f"document.querySelector({json.dumps(selector)}).select()")
        await self.send("Input.insertText", text=text)
        await self.press("Enter", 13, "\r")

    async def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )  # fmt: skip

    async def screenshot(self, *, whole: bool = True) -> bytes:
        """Return a screenshot as PNG, by default of the whole page."""
        if not whole:
            shot = await self.send("Page.captureScreenshot", format="png")
            return base64.b64decode(shot["data"])
        # What is captured by itself is narrower by the scroll bar, but not what is drawn: the right margin was cut off.
        width, height = await self.value("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def browsing(folder: Path, *, is_private: bool = True) -> AsyncIterator[Tab]:
    """Start a browser with a new profile in a folder, and yield a page.

    A page that is not private stores data on disk, which can be checked after the block.
    """
    program = find_chromium()
    assert program is not None
    flags = [
        "--headless=new",
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
        "--remote-debugging-port=0",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # required as root
    process = await asyncio.create_subprocess_exec(
        program,
        *flags,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = await _address(folder, process)
        async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            await tab.open(is_private=is_private)
            yield tab
            if not is_private:
                await tab.leave()
            await socket.close()
            await listening
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), DEADLINE_S)


async def _address(folder: Path, process: Process) -> str:
    """Return the browser's debugging address, which it writes into its profile."""
    note = folder / "DevToolsActivePort"
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while not note.exists() or len(lines := note.read_text().split()) < 2:
        assert process.returncode is None, f"the browser ended with {process.returncode}"
        assert asyncio.get_running_loop().time() < end, "the browser does not listen"
        await asyncio.sleep(0.05)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
