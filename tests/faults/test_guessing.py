"""Guessing of the token, many times and from many addresses."""

from __future__ import annotations

import base64
import hashlib
import http.client
import statistics
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.conftest import TOKEN
from tests.support.web_server import RunningWebServer

pytestmark = pytest.mark.faults

EVALUATED = 30
DIFFERENCE_MS = 5.0


def tried(server: RunningWebServer, credential: str, address: str = "127.0.0.1") -> tuple[int, float]:
    """Try a credential from an address of this machine; return the status and the milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60, source_address=(address, 0))
    try:
        connection.connect()
        began_s = time.perf_counter()
        connection.request("GET", "/api/state", headers={"Authorization": credential})
        response = connection.getresponse()
        response.read()
        return response.status, (time.perf_counter() - began_s) * 1000
    finally:
        connection.close()


@pytest.mark.short
@pytest.mark.promise("H7")
def test_of_a_thousand_guesses_a_handful_is_looked_at(server: RunningWebServer, figure: Callable[[str], None]) -> None:
    answers = Counter(tried(server, f"Bearer guess-{number}")[0] for number in range(1000))
    assert set(answers) == {401, 429}
    assert answers[401] <= EVALUATED
    assert tried(server, f"Bearer {TOKEN}")[0] == 429, "who guesses waits, even when right at last"
    assert tried(server, f"Bearer {TOKEN}", "127.0.0.2")[0] == 200
    figure(f"{answers[401]} of 1000 guesses looked at (at most {EVALUATED})")


@pytest.mark.promise("H7")
def test_how_near_a_guess_comes_cannot_be_timed(server: RunningWebServer, figure: Callable[[str], None]) -> None:
    # Few tries from each of many addresses, so that none has to wait.
    times: dict[str, list[float]] = {"nothing right": [], "all but the last letter": []}
    for number in range(120):
        address = f"127.0.{number // 200 + 1}.{number % 200 + 1}"
        for kind, guess in (("nothing right", "x" * len(TOKEN)), ("all but the last letter", TOKEN[:-1] + "x")):
            status, took_ms = tried(server, f"Bearer {guess}", address)
            assert status == 401
            times[kind].append(took_ms)
    near, far = (statistics.median(found) for found in times.values())
    assert abs(near - far) <= DIFFERENCE_MS
    figure(f"medians {abs(near - far):.2f} ms apart (at most {DIFFERENCE_MS:g})")


ALMOST = {
    "empty": "",
    "prefix": TOKEN[:8],
    "all but one": TOKEN[:-1],
    "suffix": TOKEN[8:],
    "padded": f"{TOKEN}x",
    "a NUL behind": f"{TOKEN}%00",
    "a blank between": TOKEN.replace("-", " -", 1),
    "other case": TOKEN.upper(),
    "twice": TOKEN * 2,
    "its hash": hashlib.sha256(TOKEN.encode()).hexdigest(),
    "its name": "token",
    "null": "null",
    "undefined": "undefined",
    "a wildcard": "*",
}


@pytest.mark.short
@pytest.mark.promise("X5")
def test_almost_the_token_opens_nothing(server: RunningWebServer, figure: Callable[[str], None]) -> None:
    for number, guess in enumerate(ALMOST.values()):
        basic = base64.b64encode(f"admin:{guess}".encode()).decode()
        for scheme in (f"Bearer {guess}", f"Basic {basic}", guess):
            assert tried(server, scheme, f"127.0.3.{number + 1}")[0] == 401, scheme
    figure(f"{len(ALMOST)} kinds of nearly right, 3 ways each: all 401")
