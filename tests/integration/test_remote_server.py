"""Remote access end to end: the server's script in fresh Debian roots, tunnel, proxy, and phones outside.

Three hosts in small: the rented server, which lives in a Debian root of its own, the house, and a phone. Minutes, and a
Debian mirror: ``scripts/test-remote`` runs this.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from pi_cam_node.cli.main import main
from tests.support.broker import wait_until
from tests.support.certificates import Authority
from tests.support.debian_root import make_root, run_in
from tests.support.namespace_host import NamespaceHost, connect
from tests.support.running_console import OWNER, PASSWORD
from tests.support.running_node import REPOSITORY

pytestmark = pytest.mark.skipif("TEST_REMOTE" not in os.environ, reason="takes minutes: scripts/test-remote runs it")

NAME, MAIL = "cam.example.org", "anna@example.org"
SERVER, SERVER_FOR_PHONES = "192.0.2.1", "198.51.100.1"
PROGRAMS = ("pebble", "wg-quick", "wireguard-go", "nft", "mosquitto", "curl", "unshare", "nsenter")
# wg-quick by another program than the kernel: this machine's may not have WireGuard.
USERSPACE = {"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go", "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1"}
ACME = {"ACME_SERVER": "https://localhost:14000/dir", "REQUESTS_CA_BUNDLE": "/root/cam/acme-ca.crt"}
PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
SCRIPT = ["sh", "/root/cam/server-setup.sh"]


@dataclass
class Hosts:
    """The rented server, the house and a phone, and the files that were written for them."""

    files: Path
    server: NamespaceHost
    house: NamespaceHost
    phone: NamespaceHost
    folder: Path

    def curl(self, *arguments: str) -> str:
        """Return what curl brings to the phone outside, which knows the authority that signed the certificate."""
        jar = self.folder / "cookies"
        ca = self.folder / "root.pem"
        told = ["curl", "-sS", "--max-time", "60", "--cacert", str(ca), "-b", str(jar), "-c", str(jar)]
        return self.phone.check([*told, *arguments])

    def status(self, host: NamespaceHost, url: str) -> str:
        """Return the status of an answer; 000 where none comes."""
        asked = [*host.network, "curl", "-s", "-o", "/dev/null", "--max-time", "5", "-w", "%{http_code}", url]
        return subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False).stdout


def why_not() -> str:
    missing = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        return "root and /dev/net/tun are needed"
    return ""


def start_acme(hosts: Hosts, authority: Authority) -> None:
    """Start a real ACME server on the rented server's loopback, as if it were the internet's."""
    folder = hosts.folder / "acme"
    folder.mkdir()
    cert, key = authority.issue("localhost")
    settings = {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": str(cert),
        "privateKey": str(key),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    command = ["pebble", "-config", str(folder / "pebble.json")]
    told = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    hosts.server.start(command, told, hosts.server.network)


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def hosts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp(request.param)
    files, root = folder / "remote", folder / "root"
    assert main(["remote", "--name", NAME, "--out", str(files), "--phone", "anna"]) == 0
    try:
        make_root(request.param, root)
    except RuntimeError as error:
        pytest.skip(str(error))
    authority = Authority(folder, "acme-ca")
    there = root / "root" / "cam"
    there.mkdir()
    for path in (
        files / "server-setup.sh",
        files / "nginx" / "site.conf",
        files / "wireguard" / "hub.conf",
        authority.ca,
    ):
        shutil.copy(path, there)
    installed = run_in(root, [*SCRIPT, "--no-start", NAME, MAIL])
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "wrote /etc/wireguard/cam.conf" in installed.stdout
    more = run_in(root, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wireguard-go"])
    assert more.returncode == 0, more.stderr
    with ExitStack() as stack:

        def host(name: str, hosts: str, root: Path | None = None) -> NamespaceHost:
            text = f"127.0.0.1 localhost\n::1 localhost\n{hosts}\n"
            return stack.enter_context(NamespaceHost(folder / name, text, root))

        server = host("server", f"127.0.0.1 {NAME}", root)
        house, phone = host("house", f"{SERVER} {NAME}"), host("phone", f"{SERVER_FOR_PHONES} {NAME}")
        connect(server, house, "wan0", (f"{SERVER}/24", "192.0.2.2/24"))
        connect(server, phone, "wan1", (f"{SERVER_FOR_PHONES}/24", "198.51.100.2/24"))
        made = Hosts(files, server, house, phone, folder)
        start_acme(made, authority)
        yield made


def begin_house(hosts: Hosts) -> None:
    """Bring tunnel, broker, node and console up in the house."""
    keys = hosts.folder / "keys"
    keys.mkdir()
    shutil.copy(hosts.files / "wireguard" / "house.conf", keys / "cam.conf")
    (keys / "cam.conf").chmod(0o600)
    hosts.house.check(["wg-quick", "up", keys / "cam.conf"], USERSPACE)
    (hosts.folder / "mosquitto.conf").write_text("listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n")
    hosts.house.start(["mosquitto", "-c", hosts.folder / "mosquitto.conf"])
    console = {
        "id": "test",
        "host": "0.0.0.0",
        "base_dir": str(hosts.folder / "console"),
        "public_url": f"https://{NAME}",
        "trusted_proxies": ["10.77.0.1"],
    }
    (hosts.folder / "console.yaml").write_text(yaml.safe_dump({"console": console, "mqtt": {"host": "127.0.0.1"}}))
    node = {
        "node": {"id": "porch"},
        "mqtt": {"host": "127.0.0.1"},
        "camera": {"source": "synthetic", "width": 640, "height": 480},
        "export": {"base_dir": str(hosts.folder / "captures"), "auto_save_interval_s": 0},
    }
    (hosts.folder / "node.yaml").write_text(yaml.safe_dump(node))
    for name, verb in (("node", "run"), ("console", "console")):
        command = [sys.executable, "-m", "pi_cam_node", verb, "--config", str(hosts.folder / f"{name}.yaml")]
        hosts.house.start(command, {"PYTHONPATH": str(REPOSITORY)})
    wait_until(lambda: hosts.status(hosts.house, "http://127.0.0.1:8090/healthz") == "200", "the console", 120)


def test_a_phone_outside_sees_the_live_video_of_a_camera_at_home(hosts: Hosts) -> None:
    once = hosts.server.check([*SCRIPT, NAME, MAIL], {**PATH, **USERSPACE, **ACME}, timeout_s=300)
    assert "wrote /etc/nginx/sites-available/cam\n" in once
    twice = hosts.server.check([*SCRIPT, NAME, MAIL], {**PATH, **USERSPACE, **ACME}, timeout_s=300)
    assert "nothing had to be changed" in twice
    assert "wrote" not in twice
    ask = [*hosts.server.network, "curl", "-sk", "https://127.0.0.1:15000/roots/0"]
    root = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=True)
    (hosts.folder / "root.pem").write_text(root.stdout)

    assert "The house is not reached" in hosts.curl(f"https://{NAME}/")
    begin_house(hosts)
    wait_until(lambda: "log in" in hosts.curl(f"https://{NAME}/api/nodes"), "the console through the tunnel", 60)
    assert hosts.curl("-o", "/dev/null", "-w", "%{redirect_url}", f"http://{NAME}/x") == f"https://{NAME}/x"

    key = (hosts.folder / "console" / "setup-link").read_text().strip().partition("key=")[2]
    own = ["-H", f"Origin: https://{NAME}"]
    form = ["-d", f"key={key}", "-d", f"name={OWNER}", "--data-urlencode", f"password={PASSWORD}"]
    assert hosts.curl(*own, *form, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/setup") == "303"
    form = ["-d", f"name={OWNER}", "--data-urlencode", f"password={PASSWORD}"]
    assert hosts.curl(*own, *form, "-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/login") == "303"
    wait_until(lambda: "porch" in hosts.curl(f"https://{NAME}/api/nodes"), "the node", 60)

    playlist = f"https://{NAME}/hls/porch/remote.m3u8"
    wait_until(lambda: ".m4s" in hosts.curl(playlist), "the live video", 120)
    segment = [line for line in hosts.curl(playlist).splitlines() if line.endswith(".m4s")][-1]
    address = f"https://{NAME}/hls/porch/{segment}"
    told = ["-o", str(hosts.folder / "segment"), "-w", "%{http_code} %{size_download} %{header_json}"]
    status, size, _ = hosts.curl(*told, address).split(" ", 2)
    assert (status, int(size) > 1000) == ("200", True)
    assert '"x-cache":["HIT"]' in hosts.curl(*told, address)
    assert hosts.phone.check(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", address]) == "401"


def test_the_tunnel_leads_to_the_console_and_nowhere_else(hosts: Hosts) -> None:
    assert hosts.status(hosts.server, "http://10.77.0.2:8090/healthz") == "200"
    assert hosts.status(hosts.server, "http://10.77.0.2:1883/") == "000"
    phone = hosts.folder / "phone-keys"
    phone.mkdir()
    shutil.copy(hosts.files / "wireguard" / "anna.conf", phone / "cam.conf")
    (phone / "cam.conf").chmod(0o600)
    hosts.phone.check(["wg-quick", "up", phone / "cam.conf"], USERSPACE)
    wait_until(lambda: hosts.status(hosts.phone, "http://10.77.0.2:8090/healthz") == "200", "the phone's tunnel", 60)
    assert hosts.status(hosts.phone, "http://10.77.0.2:1883/") == "000"
    hosts.phone.check(["wg-quick", "down", phone / "cam.conf"], USERSPACE)


def test_the_servers_firewall_lets_in_what_it_names(hosts: Hosts) -> None:
    hosts.server.start(["python3", "-m", "http.server", "8080"], PATH)
    wait_until(lambda: hosts.status(hosts.server, "http://127.0.0.1:8080/") == "200", "a server behind it", 60)
    assert hosts.status(hosts.phone, f"http://{SERVER_FOR_PHONES}:8080/") == "000"
    assert hosts.status(hosts.phone, f"http://{NAME}/") == "301"
    assert hosts.status(hosts.phone, f"http://{SERVER_FOR_PHONES}/") == "000", "a bare address gets nothing"


def test_the_certificate_is_renewed_and_nginx_takes_it(hosts: Hosts) -> None:
    asked = ["certbot", "renew", "--force-renewal", "-n", "--no-random-sleep-on-renew"]
    served = (
        f"openssl s_client -connect {NAME}:443 -servername {NAME} </dev/null 2>/dev/null | openssl x509 -noout -serial"
    )
    before = hosts.phone.check(["sh", "-c", served])
    hosts.server.check(asked, {**PATH, **ACME}, timeout_s=300)
    wait_until(lambda: hosts.phone.check(["sh", "-c", served]) != before, "nginx to take the new certificate", 60)
    code = hosts.curl("-o", "/dev/null", "-w", "%{http_code}", f"https://{NAME}/api/nodes")
    assert code == "200"


def test_a_phone_more_needs_the_hubs_file_alone_and_cuts_off_nobody(hosts: Hosts) -> None:
    assert main(["remote", "--name", NAME, "--out", str(hosts.files), "--phone", "ben"]) == 0
    shutil.copy(hosts.files / "wireguard" / "hub.conf", hosts.folder / "root" / "root" / "cam" / "hub.conf")
    said = hosts.server.check([*SCRIPT, NAME, MAIL], {**PATH, **USERSPACE, **ACME}, timeout_s=300)
    assert "wrote /etc/wireguard/cam.conf" in said
    assert said.count("wrote") == 1
    assert hosts.server.check(["wg", "show", "cam", "allowed-ips"]).count("/32") == 3
    assert hosts.status(hosts.server, "http://10.77.0.2:8090/healthz") == "200"
