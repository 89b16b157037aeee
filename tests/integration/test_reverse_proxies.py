"""Pages and API behind real reverse proxies, at the root and below a path."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from multidict import CIMultiDict

from pi_cam_node.core.history import MediaRow
from tests.support import programs
from tests.support.broker import free_port, wait_until
from tests.support.web_server import Got, RunningWebServer, is_open

TOKEN = "a-token-of-the-house-that-is-long-enough"
NAME = "cam.example.org"

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{front};
    location {path}/ {{
      proxy_pass http://127.0.0.1:{node}{target};
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http;
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
frontend front
  bind 127.0.0.1:{front}
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  default_backend node
backend node
  option httpchk GET /healthz
  http-check expect status 200,503
  server cam 127.0.0.1:{node} check inter 1s
"""


@contextmanager
def running(command: list[str], front: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_open(front), "the proxy", 10)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def node_behind(folder: Path, public_url: str) -> Iterator[RunningWebServer]:
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    told = {"token_file": str(token), "trusted_proxies": ["127.0.0.1"], "public_url": public_url}
    with RunningWebServer(folder, http=told) as serving:
        picture = folder / "a.jpg"
        cv2.imwrite(str(picture), np.full((48, 64, 3), 90, np.uint8))
        serving.pictures.files = {"a": picture}
        serving.archive.rows = {"a": MediaRow("a", "single", datetime(2026, 11, 20, tzinfo=UTC), str(picture), 1)}
        yield serving


def ask(front: int, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Got:
    connection = http.client.HTTPConnection("127.0.0.1", front, timeout=60)
    try:
        connection.request(method, path, body or None, {"Host": f"{NAME}:{front}", **(headers or {})})
        response = connection.getresponse()
        return Got(response.status, CIMultiDict(response.getheaders()), response.read())
    finally:
        connection.close()


def walk(front: int, path: str) -> None:
    """Do what a person does: come, log in, look, press a button, open a link."""
    origin = {"Origin": f"http://{NAME}:{front}"}
    got = ask(front, "GET", f"{path}/", {"Accept": "text/html"})
    assert (got.status, got.headers["Location"]) == (303, "login")
    assert b'src="static/login.js"' in ask(front, "GET", f"{path}/login").body
    assert ask(front, "GET", f"{path}/static/login.js").status == 200
    form = {"Content-Type": "application/x-www-form-urlencoded", **origin}
    got = ask(front, "POST", f"{path}/login", form, f"token={TOKEN}".encode())
    assert (got.status, got.headers["Location"]) == (303, "./")
    assert f"Path={path}/;" in f"{got.headers['Set-Cookie']};"
    session = {"Cookie": got.headers["Set-Cookie"].partition(";")[0]}
    assert b'src="static/app.js"' in ask(front, "GET", f"{path}/", session).body
    pressed = {"Content-Type": "application/json", **session, **origin}
    assert ask(front, "POST", f"{path}/api/commands/health", pressed).json["ok"]
    foreign = {**pressed, "Origin": "http://evil.example"}
    assert ask(front, "POST", f"{path}/api/commands/health", foreign).status == 403
    link = ask(front, "GET", f"{path}/api/media", session).json[0]["url"]
    assert link.startswith(f"http://{NAME}:{front}{path}/media/a?")
    assert ask(front, "GET", link.partition(str(front))[2]).headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize(("path", "target"), [("", ""), ("/cam", "/"), ("/cam", "")], ids=["root", "stripped", "kept"])
def test_nginx(tmp_path: Path, path: str, target: str) -> None:
    nginx, front = programs.needed("nginx"), free_port()
    with node_behind(tmp_path, f"http://{NAME}:{front}{path}") as serving:
        config = tmp_path / "nginx.conf"
        config.write_text(NGINX.format(folder=tmp_path, front=front, node=serving.port, path=path, target=target))
        with running([nginx, "-p", str(tmp_path), "-c", str(config)], front):
            walk(front, path)


def test_haproxy_and_its_health_check(tmp_path: Path) -> None:
    haproxy, front = programs.needed("haproxy"), free_port()
    with node_behind(tmp_path, f"http://{NAME}:{front}") as serving:
        config = tmp_path / "haproxy.cfg"
        config.write_text(HAPROXY.format(front=front, node=serving.port))
        with running([haproxy, "-db", "-f", str(config)], front):
            wait_until(lambda: ask(front, "GET", "/login").status == 200, "haproxy to find the node well", 10)
            walk(front, "")
            answer = ask(front, "GET", "/healthz").status
            assert answer == 503, "no broker is there, which is no refusal"
