"""Two owners with the same form open: the second is told that the first has changed it, instead of undoing that."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="the extra console is not installed")
pytest.importorskip("cryptography", reason="the extra console is not installed")

from tests.support.broker import Client, Mosquitto
from tests.support.chromium import Tab, find_chromium
from tests.support.console_tour import announce, tour
from tests.support.running_console import PASSWORD, Browser, RunningConsole
from tests.support.running_node import RunningNode

REFUSED = "Changed meanwhile by Anna; nothing was saved."
RULE = {"when": "camera:porch", "action": "save", "cameras": "porch"}
GAIN = "/settings/nodes/porch/set"


async def version_on(browser: Browser, page: str, form: str) -> str:
    """Return the version in the form with this address on a page."""
    found = re.search(
        f'action="{re.escape(form)}".*?name="version" value="([^"]+)"', (await browser.get(page))[1], re.DOTALL
    )
    assert found is not None, form
    return found[1]


async def both_send(first: Browser, second: Browser, page: str, form: str, *fields: dict[str, str]) -> None:
    """Send two forms that were open at the same time; the second one only works once it was opened again."""
    seen = await version_on(first, page, form)
    other = await version_on(second, page, form)
    status, said = await first.post(form, {**fields[0], "version": seen})
    assert status == 200, said
    status, said = await second.post(form, {**fields[1], "version": other})
    assert (status, REFUSED in said) == (409, True), said
    again = await version_on(second, page, form)
    status, said = await second.post(form, {**fields[1], "version": again})
    assert status == 200, said


def test_the_second_of_two_owners_is_told_who_changed_an_account_or_a_sensor(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(anna: Browser) -> None:
        with broker.client() as client:
            announce(client, "porch")
            await anna.until("/api/nodes", lambda told: told["nodes"], "the node")
        for name, role in (("Ben", "owner"), ("Max", "guest")):
            made = {"name": name, "password": PASSWORD, "role": role}
            assert (await anna.post_json("/api/accounts", made))[0] == 201
        (number,) = [one["id"] for one in await anna.json("/api/accounts") if one["name"] == "Max"]
        assert (await anna.post("/sensors", {"name": "Door", "topic": "t/door"}))[0] == 200
        async with Browser(console) as ben:
            await ben.log_in("Ben")
            base, accounts = f"/settings/accounts/{number}", "/settings/accounts"
            roles = ({"role": "guest", "cameras": "porch"}, {"role": "guest"})
            await both_send(anna, ben, accounts, f"{base}/cameras", *roles)
            await both_send(anna, ben, accounts, f"{base}/password", {"new": "the first"}, {"new": "the second"})
            await both_send(anna, ben, "/sensors/door", "/sensors/door", {"name": "Front"}, {"room": "Hall"})
            # At the very same time: one of them.
            seen = await version_on(anna, accounts, f"{base}/cameras")
            forms = [{"role": role, "version": seen} for role in ("member", "owner")]
            told = await asyncio.gather(*(ben.post(f"{base}/cameras", form) for form in forms))
            assert sorted(status for status, _ in told) == [200, 409]
            # Whom the audit log does not know of is not named.
            assert (await anna.post(f"{base}/remove"))[0] == 200
            assert (await ben.post(f"{base}/cameras", {"role": "guest", "version": seen}))[0] == 404

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


def test_of_two_rules_of_one_name_the_one_that_is_shown_is_removed(broker: Mosquitto, tmp_path: Path) -> None:
    async def visit(anna: Browser) -> None:
        for after in ("10", "20"):
            assert (await anna.post("/settings/rules", {**RULE, "name": "Door", "again_after": after}))[0] == 200
        form = "/settings/rules/0/remove"
        shown = {"version": await version_on(anna, "/settings/rules", form)}
        assert (await anna.post(form, shown))[0] == 200
        status, said = await anna.post(form, shown)
        assert (status, REFUSED in said) == (409, True), said
        assert (await anna.post(form))[0] == 409
        page = (await anna.get("/settings/rules"))[1]
        assert ("in 10 s" in page, "in 20 s" in page) == (False, True)

    with RunningConsole(tmp_path / "console", broker.port) as console:
        console.visit(visit)


@pytest.mark.skipif(find_chromium() is None, reason="Chromium is not installed")
def test_a_setting_is_changed_as_often_as_one_likes_but_not_over_somebody_else(
    broker: Mosquitto, tmp_path: Path
) -> None:
    (tmp_path / "node").mkdir()
    said = "document.querySelector('#set-night-gain-said').innerText"

    async def steps(tab: Tab, client: Client, console: RunningConsole) -> None:
        async def put(gain: str) -> None:
            await tab.value("document.querySelector('#set-night-gain-said').textContent = ''")
            await tab.write("#set-night-gain", gain)

        await tab.until("fetch('/settings/nodes/porch').then((a) => a.text()).then((t) => t.includes('night.gain'))")
        await tab.go(f"{console.url}/settings/nodes/porch")
        await tab.until("document.readyState === 'complete'", "htmx")
        await tab.value("document.querySelector('#set-night-gain').closest('details').open = true")
        for gain in ("5", "7", "5"):
            await put(gain)
            await tab.until(f"{said}.startsWith('In force')", gain)
        async with Browser(console) as other:
            await other.log_in()
            assert (await other.post(GAIN, {"night.gain": "4"}))[0] == 200
        await put("3")
        await tab.until(f"{said}.startsWith({REFUSED!r})", "the refusal")
        assert client.latest("pi_cam_node/porch/config/night.gain") == b"4"
        # By another program than a console: nobody can be named.
        await tab.go(f"{console.url}/settings/nodes/porch")
        await tab.until("document.readyState === 'complete'", "htmx")
        await tab.value("document.querySelector('#set-night-gain').closest('details').open = true")
        client.publish("pi_cam_node/porch/set/night.gain", "6")
        await tab.until("fetch('/settings/nodes/porch').then((a) => a.text()).then((t) => t.includes('value=\"6\"'))")
        await put("3")
        await tab.until(f"{said}.startsWith('Changed meanwhile; nothing was saved.')", "the refusal")

    with RunningNode(tmp_path / "node", broker.port):

        async def listening(tab: Tab, client: Client, console: RunningConsole) -> None:
            client.subscribe("pi_cam_node/porch/config/night.gain")
            await steps(tab, client, console)

        tour(broker, tmp_path, listening)
