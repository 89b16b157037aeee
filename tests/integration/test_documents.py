"""Runs the commands of all documents; a command that no test runs is an error."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.settings import with_value
from tests.support.documents import REPOSITORY, blocks_of, run_document

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# Their commands are run by another program, section by section.
ELSEWHERE = {
    "docs/how-to/install.md": "scripts/test-install",
    "pi_cam_node/cli/remote/templates/README.md": "scripts/test-remote",
}
FOLDERS = [path for path in REPOSITORY.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "build"]
DOCUMENTS = sorted({*REPOSITORY.glob("*.md"), *(page for folder in FOLDERS for page in folder.rglob("*.md"))})
HOW_TO = [page for page in DOCUMENTS if page.parent.name == "how-to"]
PAGES = [
    page
    for page in DOCUMENTS
    if str(page.relative_to(REPOSITORY)) not in ELSEWHERE
    and any(block.commands or block.file for block in blocks_of(page))
]
# What the reader of a document has from the repository.
SEEN = (
    *("systemd", "examples", "homeassistant", "scripts", "setup.cfg", "pyproject.toml"),
    *("docker-compose.yml", "docker-compose.broker.yml"),
)

AT_A_TIME = 2

BROKER = """
printf 'listener 1883\\nallow_anonymous true\\nset_tcp_nodelay true\\n' >../mosquitto.conf
mosquitto -c ../mosquitto.conf >../mosquitto.log 2>&1 &
until mosquitto_pub -t up -n 2>/dev/null; do sleep 0.1; done
"""
NODE = """
cat >../node.yaml <<'END'
node: {id: porch}
mqtt: {host: broker.lan}
camera: {source: synthetic, width: 320, height: 240}
export: {auto_save_interval_s: 0, base_dir: node-captures}
END
pi-cam-node run --config ../node.yaml >../node.log 2>&1 &
timeout 120 mosquitto_sub -C 1 -t pi_cam_node/porch/availability >/dev/null
timeout 120 sh -c 'until [ "$(mosquitto_sub -C 1 -t pi_cam_node/porch/state/ring_seconds)" \\> 4 ]; do sleep 0.3; done'
"""
# What scripts/run makes the first time, from packages of the network.
INSTALLED = """
mkdir -p ../venv/bin
cp ../bin/pi-cam-node ../venv/bin/pi-cam-node
printf '#!/bin/sh\\n' >../venv/bin/python
chmod +x ../venv/bin/python
export VENV=$PWD/../venv
(
    root=$PWD
    . scripts/environment.sh
    for extras in video console,video console; do fingerprint >"$VENV/.installed-$extras"; done
)
"""
SERVICE = """
mkdir -p /etc/pi_cam_node
echo secret >/etc/pi_cam_node/config.password
"""
# What scripts/install puts there.
UNITS = "mkdir -p /etc/systemd/system && cp systemd/*.service /etc/systemd/system/\n"
GO2RTC = "printf 'streams:\\n  gate: rtsp://192.0.2.7/stream\\n' >go2rtc.yaml\n"
# The commands of the page are published and not waited for.
FLEET_DID = r"""
timeout 60 sh -c 'until [ "$(mosquitto_sub -C 1 -t pi_cam_node/porch/config/night.gain)" = 8 ]; do sleep 0.3; done'
timeout 60 sh -c 'until ls ../node-captures/*-stack.jpg 2>/dev/null; do sleep 0.3; done'
"""
# Takes what is uploaded to port 2586, as ntfy does.
UPLOADS = """
cat >../uploads.py <<'END'
import http.server
class Upload(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        open("../uploaded.jpg", "ab").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", 2586), Upload).serve_forever()
END
python3 ../uploads.py >/dev/null 2>&1 &
"""
IS_JPEG = 'for picture in %s; do [ "$(head -c 2 "$picture" | od -An -tx1 | tr -d " ")" = ffd8 ]; done\n'
# Pictures saved in quick succession are sent each once, and the door that was open before has not opened again.
EACH_ONCE = r"""
mosquitto_pub -t zigbee2mqtt/door -m '{"contact":false,"battery":96}'
for ago in 1 2 3 4; do
    mosquitto_pub -q 1 -t pi_cam_node/porch/cmd/pastStack -m "{\"at\":$ago,\"formats\":[\"jpg\"]}"
done
uploaded() { grep -ao '[0-9]\{8\}T[0-9]\{9\}Z-[0-9a-f]*-[0-9]*-stack' ../uploaded.jpg | sort; }
timeout 30 sh -c 'until [ $(grep -ac JFIF ../uploaded.jpg) -ge 6 ]; do sleep 0.2; done'
sleep 1
[ "$(uploaded | wc -l)" = 6 ] && [ "$(uploaded | uniq -d)" = "" ]
"""
SAVED = "mkdir -p captures && echo a >captures/a.jpg && echo b >captures/.b.part\n"
# Environment for rclone with priority over the page's file: a folder instead of the bucket.
BUCKET = """
echo 'pi-cam-node:x:990:990::/:/bin/sh' >>/etc/passwd && echo 'pi-cam-node:x:990:' >>/etc/group
export RCLONE_CONFIG_BUCKET_TYPE=alias RCLONE_CONFIG_BUCKET_REMOTE=/mnt/bucket
"""
OLD_NAME = """
printf 'node: {id: porch}\\nmqtt: {host: broker.lan}\\ncamera: {source: synthetic}\\n' >my.yaml
pi-cam-node run --config my.yaml >../old.log 2>&1 &
timeout 120 mosquitto_sub -C 1 -t pi_cam_node/porch/availability >/dev/null
kill $!
wait $! || true
"""


@dataclass(frozen=True)
class Machine:
    """What a page takes for granted.

    Attributes:
        before: Prepares the machine.
        after: Checks what the page's commands have done.
        programs: Must be installed.
    """

    before: str = ""
    after: str = ""
    programs: tuple[str, ...] = ()


MACHINES = {
    "README.md": Machine(INSTALLED + SERVICE + BROKER + NODE, "", ("mosquitto_pub",)),
    "console.md": Machine(INSTALLED + UNITS + GO2RTC + BROKER, "grep gate house.yaml\n", ("mosquitto_pub", "curl")),
    "mqtt-from-a-shell.md": Machine(BROKER + NODE, IS_JPEG % "last.jpg then.jpg past.jpg", ("mosquitto_rr",)),
    "notify-without-home-assistant.md": Machine(
        BROKER + NODE + UPLOADS,
        IS_JPEG % "../uploaded.jpg" + "[ $(grep -c JFIF -a ../uploaded.jpg) -ge 2 ]\n" + EACH_ONCE,
        ("mosquitto_sub", "curl"),
    ),
    "https-and-reverse-proxy.md": Machine(BROKER, IS_JPEG % "now.jpg behind.jpg", ("openssl", "nginx", "curl")),
    "mqtt-traffic.md": Machine(BROKER + NODE, "grep 'camera_fps: 0.1' ../node.yaml\n", ("mosquitto_sub",)),
    "live-video.md": Machine(
        BROKER + NODE + "ln -s ../node-captures captures\n",
        "ls captures/*-stack.jpg\nffprobe -v error porch.mp4\n",
        ("mosquitto_sub", "curl", "ffmpeg", "ffprobe"),
    ),
    "other-programs.md": Machine(
        BROKER + NODE,
        "ls ../node-captures/*-single.jpg ../node-captures/*-event.jpg\n"
        '[ "$(mosquitto_sub -C 1 -t pi_cam_node/porch/config/night.gain)" = 7 ]\n',
        ("mosquitto_sub", "curl"),
    ),
    "quick-start.md": Machine(BROKER, IS_JPEG % "now.jpg then.jpg"),
    "troubleshooting.md": Machine(BROKER),
    "fleet.md": Machine(
        BROKER + NODE.replace("{id: porch}", "{id: porch, groups: [garden]}"), FLEET_DID, ("mosquitto_sub",)
    ),
    "rename.md": Machine(
        BROKER + OLD_NAME,
        "[ -z \"$(mosquitto_sub -W 2 -t 'pi_cam_node/porch/#' -t 'homeassistant/device/pi_cam_node_porch/#')\" ]\n",
        ("mosquitto_sub",),
    ),
    "object-storage.md": Machine(SAVED + BUCKET, '[ "$(ls -A /mnt/bucket/films/porch)" = a.jpg ]\n', ("rclone",)),
    "share-pictures.md": Machine(SAVED, '[ "$(ls -A /mnt/nas/porch)" = a.jpg ]\n', ("rsync",)),
}


Runs = dict[Path, Future[None]]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs of the pages that are asked for, several at a time: most of the time they wait."""
    items: list[Any] = request.session.items
    asked = [item.callspec.params["page"] for item in items if "runs" in getattr(item, "fixturenames", ())]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {page: pool.submit(run_page, page, tmp_path_factory.mktemp(page.stem)) for page in asked}


def run_page(page: Path, folder: Path) -> None:
    """Run a page on the machine that it takes for granted; skip where a program of that is missing."""
    machine = MACHINES.get(page.name, Machine())
    missing = [name for name in ("mosquitto", *machine.programs) if shutil.which(name, path=PATH) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    for attempt, slower in (("first", 1), ("again", 6)):
        work = folder / attempt / "work"
        work.mkdir(parents=True)
        for name in SEEN:
            (work / name).symlink_to(REPOSITORY / name)
        try:
            run_document(page, work.parent, before=machine.before, after=machine.after, slower=slower)
        except AssertionError:
            # Documents wait as long as a quiet machine needs: what fails is tried once more, with longer waits.
            if attempt == "again":
                raise
        else:
            return


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_works_as_it_stands(page: Path, runs: Runs) -> None:
    runs[page].result()


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.stem)
def test_every_block_is_run_or_written_or_says_why_not(page: Path) -> None:
    assert re.findall(r"^ *(?:~~~|````)", page.read_text(), re.MULTILINE) == [], "these fences are not read"
    assert [f"{page.name}:{block.line}: {block.fault}" for block in blocks_of(page) if block.fault] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```sh\ntrue\n```", False),
        ("```bash\ntrue\n```", True),
        ("```bash\n# there.sh\ntrue\n```", False),
        ("```\nthe node ──► the broker\n```", False),
        ("```text\nscripts/run house\n```", True),
        ("```\n$ true\n```", True),
        ("<!-- not run: it is the end of the machine -->\n```sh\nhalt\n```", False),
        ("<!-- not run: of another one -->\n\n```sh\nhalt\n```\n\n```shell\nhalt\n```", True),
    ],
)
def test_a_command_that_no_test_runs_is_found(text: str, fault: bool, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text)
    assert any(block.fault for block in blocks_of(tmp_path / "page.md")) is fault


def test_every_section_of_the_installation_is_run_in_a_debian_root() -> None:
    page = REPOSITORY / "docs" / "how-to" / "install.md"
    text = page.read_text().splitlines()
    headings = {
        next(line for line in text[: block.line :][::-1] if line.startswith("## ")) for block in blocks_of(page)
    }
    sections = {heading.removeprefix("## ").lower().replace(" ", "-") for heading in headings}
    run = set(
        re.findall(r"^ *section ([\w-]+)", (REPOSITORY / "tests" / "install" / "in_root").read_text(), re.MULTILINE)
    )
    assert sections == run


def headings_of(page: Path) -> set[str]:
    """Return the addresses that a page's headings have where it is shown."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in DOCUMENTS:
        for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name}: {target}"
            assert not heading or there.suffix != ".md" or heading in headings_of(there), f"{page.name}: #{heading}"


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.stem)
def test_every_page_opens_with_what_it_is_for(page: Path) -> None:
    title, *rest = re.split(r"\n\n+", re.sub(r"<!--.*?-->\s*", "", page.read_text().strip(), flags=re.DOTALL))
    assert title.startswith("# ")
    assert re.match(r"[\w*`\[“]", rest[0]), f"{page.name}: no sentence, but {rest[0][:40]!r}"


def test_the_readme_says_what_it_is_in_three_lines() -> None:
    lines = (REPOSITORY / "README.md").read_text().split("\n\n")[1].splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 125 for line in lines)
    assert all(line.endswith("\\") for line in lines[:2]), "without a break the lines run together where it is shown"


def test_the_index_names_every_page() -> None:
    index = (REPOSITORY / "docs" / "how-to" / "README.md").read_text()
    assert [page.name for page in HOW_TO if page.name != "README.md" and f"({page.name})" not in index] == []


def test_every_default_in_a_table_of_settings_is_that_of_the_setting() -> None:
    tables = [
        table
        for page in DOCUMENTS
        if page.name != "settings.md"
        for table in re.findall(
            r"^\| setting \| default[^\n]*\n\|[-| ]+\n((?:\|[^\n]*\n)+)", page.read_text(), re.MULTILINE
        )
    ]
    rows = [row for table in tables for row in re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", table, re.MULTILINE)]
    assert len(rows) > 5
    for key, default in rows:
        assert key in catalogue(), key
        assert with_value(Config(), key, default) == with_value(Config(), key, catalogue()[key].default), key
