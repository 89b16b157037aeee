"""The commands of the how-to pages do what the pages say, run as they stand."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pi_cam_node.config import Config
from pi_cam_node.config.catalogue import catalogue
from pi_cam_node.config.settings import with_value
from tests.support.documents import REPOSITORY, blocks_of, run_document

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
HOW_TO = sorted((REPOSITORY / "docs" / "how-to").glob("*.md"))
EXPLANATION = sorted((REPOSITORY / "docs" / "explanation").glob("*.md"))
TOP = [
    REPOSITORY / "docs" / f"{name}.md" for name in ("quick-start", "hardware", "troubleshooting", "upgrade", "fleet")
]
PAGES = [*HOW_TO, *EXPLANATION, *TOP]

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
SAVED = "mkdir -p captures && echo a >captures/a.jpg && echo b >captures/.b.part\n"
# What rclone is told here wins over the page's file: a folder in place of the bucket.
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
    "mqtt-from-a-shell.md": Machine(BROKER + NODE, IS_JPEG % "last.jpg then.jpg past.jpg", ("mosquitto_rr",)),
    "notify-without-home-assistant.md": Machine(
        BROKER + NODE + UPLOADS,
        IS_JPEG % "../uploaded.jpg" + "[ $(grep -c JFIF -a ../uploaded.jpg) -ge 2 ]\n",
        ("mosquitto_sub", "curl"),
    ),
    "https-and-reverse-proxy.md": Machine(BROKER, IS_JPEG % "now.jpg behind.jpg", ("openssl", "nginx", "curl")),
    "mqtt-traffic.md": Machine(BROKER + NODE, "grep 'camera_fps: 0.1' ../node.yaml\n", ("mosquitto_sub",)),
    "live-video.md": Machine(
        BROKER + NODE + "ln -s ../node-captures captures\n", "ls captures/*-stack.jpg\n", ("mosquitto_sub", "curl")
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

ELSEWHERE = {"install.md": "scripts/test-install runs its commands, in Debian roots"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_works_as_it_stands(page: Path, tmp_path: Path) -> None:
    if page.name in ELSEWHERE:
        pytest.skip(ELSEWHERE[page.name])
    machine = MACHINES.get(page.name, Machine())
    missing = [name for name in ("mosquitto", *machine.programs) if shutil.which(name, path=PATH) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")
    if not any(block.commands for block in blocks_of(page)):
        pytest.skip("there is no command on this page")
    (tmp_path / "work").mkdir()
    for name in ("systemd", "examples", "homeassistant", "docker-compose.yml", "docker-compose.broker.yml"):
        (tmp_path / "work" / name).symlink_to(REPOSITORY / name)
    run_document(page, tmp_path, before=machine.before, after=machine.after)


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_index_names_every_page() -> None:
    index = (REPOSITORY / "docs" / "how-to" / "README.md").read_text()
    assert [page.name for page in HOW_TO if page.name != "README.md" and f"({page.name})" not in index] == []


def test_every_default_in_a_table_of_settings_is_that_of_the_setting() -> None:
    tables = [
        table
        for page in PAGES
        for table in re.findall(
            r"^\| setting \| default[^\n]*\n\|[-| ]+\n((?:\|[^\n]*\n)+)", page.read_text(), re.MULTILINE
        )
    ]
    rows = [row for table in tables for row in re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", table, re.MULTILINE)]
    assert len(rows) > 5
    for key, default in rows:
        assert key in catalogue(), key
        assert with_value(Config(), key, default) == with_value(Config(), key, catalogue()[key].default), key
