"""A real nginx on a loopback port with the site of ``pi-cam-node remote``, and a minimal node with a film."""

from __future__ import annotations

import collections
import http.server
import json
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.broker import wait_until
from tests.support.web_server import is_open

NAME = "cam.example.org"
START_S = 60.0
NGINX = """
user root; worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""


class RemoteSite:
    """nginx with the generated site.

    Args:
        folder: Folder for its files.
        site: The generated file.
        certificate: Certificate and key of `NAME`.
        port: Port to listen on, instead of 443.
        console_port: Port of the console on this machine.
    """

    def __init__(self, folder: Path, site: Path, certificate: tuple[Path, Path], port: int, console_port: int) -> None:
        self.folder = folder
        self.port = port
        self.config = folder / "nginx.conf"
        cert, key = certificate
        text = site.read_text()
        for old, new in {
            "    listen [::]:443 ssl http2;\n": "",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(cert),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
            "/var/cache/nginx/cam": f"{folder}/cache",
            "/var/log/nginx/cam.log": f"{folder}/cam.log",
            "server 10.77.0.2:8090;": f"server 127.0.0.1:{console_port};",
        }.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "site.conf").write_text(text)
        self.config.write_text(NGINX.format(folder=folder))
        self._process: subprocess.Popen[bytes] | None = None

    def judge(self, nginx: str) -> str:
        """Check the configuration; return the output of ``nginx -t``."""
        command = [nginx, "-t", "-p", str(self.folder), "-c", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, check=False)
        return f"{done.returncode} {done.stderr}"

    def start(self, nginx: str) -> Self:
        """Start nginx, and wait until it listens."""
        self._process = subprocess.Popen([nginx, "-p", str(self.folder), "-c", str(self.config)])
        wait_until(lambda: is_open(self.port), "nginx", START_S)
        return self

    def stop(self) -> None:
        """Stop nginx."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)

    @property
    def log(self) -> str:
        """Access log of nginx."""
        return (self.folder / "cam.log").read_text()


class FilmNode:
    """Minimal HTTP server of a node: boot id, a playlist and segments; counts the requests."""

    def __init__(self, boot: str) -> None:
        self.asked: collections.Counter[str] = collections.Counter()
        node = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                node.asked[path] += 1
                kind, body = "application/json", json.dumps({"boot": boot}).encode()
                if path.endswith(".m3u8"):
                    kind, body = "application/vnd.apple.mpegurl", b"#EXTM3U\n"
                elif path.startswith("/hls/"):
                    kind, body = "video/mp4", b"x" * 200_000
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "private, no-store")
                self.send_header("Set-Cookie", "leak=1")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
