"""A real console in its own process, and a minimal HTTP client: cookies, forms, live socket."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import yaml

from tests.support.broker import StartedProgram, port_of, reserved_port, wait_until
from tests.support.running_node import REPOSITORY

Result = TypeVar("Result")
OWNER, PASSWORD = "Anna", "correct horse"
DEADLINE_S = 60.0
START_S = 120.0


class RunningConsole(StartedProgram):
    """A console under test.

    Args:
        folder: Working folder and data.
        port: Port of the broker.
        environment: Additional environment variables.
        sections: Settings, as in ``console.yaml``.

    Attributes:
        module: Module that Python runs.
    """

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str] | None = None, **sections: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # Reserved for the lifetime of this object, also while the console is stopped.
        self._reserved = reserved_port()
        self.port = port_of(self._reserved)
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = folder / "console.yaml"
        self.base_dir = folder / "data"
        self.log_path = folder / "console.log"
        self._environment = dict(environment or {})
        tree: dict[str, Any] = {
            "console": {"id": "test", "port": self.port, "base_dir": str(self.base_dir)},
            "mqtt": {"host": "127.0.0.1", "port": port},
        }
        for name, values in sections.items():
            tree[name] = {**tree.get(name, {}), **values} if isinstance(values, dict) else values
        self.config.write_text(yaml.safe_dump(tree))
        self.module = "pi_cam_node"
        self._process: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """Stop the process, if it runs, and release its port."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._reserved.close()

    def start(self) -> Self:
        """Start the process, and wait until it serves and is connected to the broker."""
        command = [sys.executable, "-m", self.module, "console", "--config", str(self.config)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **self._environment}
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, env=environment)
        # Checked by a request, as the log contains earlier starts and the console's own nodes.
        wait_until(lambda: self._process_ended() or self._is_well(), "the console to serve", START_S)
        assert not self._process_ended(), self.log
        return self

    def stop(self) -> int:
        """Terminate the process; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(DEADLINE_S)

    def kill(self) -> None:
        """Kill the process, as in a power cut."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(DEADLINE_S)

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Log of the console, of all its starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def setup_key(self) -> str:
        """The key of the one-time link."""
        return (self.base_dir / "setup-link").read_text().strip().partition("key=")[2]

    def visit(self, visit: Callable[[Browser], Awaitable[Result]], *, as_owner: bool = True) -> Result:
        """Run a function with a new browser; return its result. Creates the owner if needed."""

        async def run() -> Result:
            async with Browser(self) as browser:
                if as_owner:
                    await browser.log_in()
                return await visit(browser)

        return asyncio.run(run())

    def _process_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _is_well(self) -> bool:
        """Tell whether the console reports that broker and database are available."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Browser:
    """HTTP client with cookies; follows no redirects."""

    def __init__(self, console: RunningConsole) -> None:
        self.console = console
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # also accepts cookies of IP addresses
        self._session = aiohttp.ClientSession(
            self.console.url, cookie_jar=jar, timeout=aiohttp.ClientTimeout(DEADLINE_S)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client."""
        assert self._session is not None
        return self._session

    async def log_in(self, name: str = OWNER, password: str = PASSWORD) -> None:
        """Log in; creates the owner first if there is none."""
        if (self.console.base_dir / "setup-link").exists():
            form = {"key": self.console.setup_key, "name": OWNER, "password": PASSWORD}
            assert (await self.post("/setup", form))[0] == 303
        status, text = await self.post("/login", {"name": name, "password": password})
        assert status == 303, text

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and text of a page."""
        async with self.session.get(path, headers=headers, allow_redirects=False) as answer:
            return answer.status, (await answer.read()).decode("utf-8", "replace")

    async def post(self, path: str, form: Mapping[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Submit a form; return status and text."""
        async with self.session.post(path, data=form or {}, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def post_json(self, path: str, body: object) -> tuple[int, str]:
        """Post a JSON object; return status and text."""
        async with self.session.post(path, json=body, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def json(self, path: str) -> Any:
        """Return the JSON of an address."""
        status, text = await self.get(path)
        assert status == 200, text
        return json.loads(text)

    async def until(self, path: str, holds: Callable[[Any], object], what: str, limit_s: float = DEADLINE_S) -> Any:
        """Request JSON repeatedly until a condition holds; return it."""
        body: Any = None
        try:
            async with asyncio.timeout(limit_s):
                while not holds(body := await self.json(path)):  # noqa: ASYNC110 - it is another process that changes
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"waited {limit_s:g} s for {what}; {path} says {json.dumps(body)[:800]}") from None
        return body
