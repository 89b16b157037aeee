"""A RabbitMQ with its MQTT plugin in a temporary folder, if installed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.support.broker import HOST, free_port, wait_until

# Paths of the script that does not switch to another user.
_PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/lib/rabbitmq/sbin/rabbitmq-server")
# Erlang takes seconds to start on a quiet machine.
START_S = 120.0


def find_rabbitmq() -> str | None:
    """Return the path of the broker's program; ``None`` if not installed."""
    return next((program for program in _PROGRAMS if Path(program).exists() and shutil.which("erl")), None)


class RabbitMq:
    """Runs within a ``with`` block, without data of earlier runs; accepts every client.

    Args:
        folder: Folder of its data.

    Attributes:
        port: Port of MQTT.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "rabbitmq.out"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        program = find_rabbitmq()
        assert program is not None, "RabbitMQ is not installed"
        amqp, epmd, distribution = free_port(), free_port(), free_port()
        self._folder.mkdir(parents=True, exist_ok=True)
        for kept in ("mnesia", "log"):
            shutil.rmtree(self._folder / kept, ignore_errors=True)
        conf = (
            f"listeners.tcp.1 = {HOST}:{amqp}\nmqtt.listeners.tcp.1 = {HOST}:{self.port}\n"
            "mqtt.tcp_listen_options.backlog = 1024\nmqtt.allow_anonymous = true\n"
            "mqtt.default_user = guest\nmqtt.default_pass = guest\nloopback_users = none\n"
        )
        (self._folder / "rabbitmq.conf").write_text(conf)
        (self._folder / "advanced.config").write_text("[{kernel,[{inet_dist_use_interface,{127,0,0,1}}]}].\n")
        (self._folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        environment = {
            **os.environ,
            "HOME": str(self._folder),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(epmd),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
        }
        with self._log.open("wb") as log:
            # A session of its own: Erlang's port mapper and helpers end with it.
            self._process = subprocess.Popen(
                [program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        wait_until(lambda: self._ended() or "Server startup complete" in self._all_logs(), "RabbitMQ to start", START_S)
        assert not self._ended(), self._log.read_text()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            for each in psutil.process_iter(["name"]):  # Erlang's port mapper left the group
                with suppress(psutil.Error):
                    if each.info["name"] == "epmd" and each.environ().get("HOME") == str(self._folder):
                        each.kill()

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _all_logs(self) -> str:
        files = [self._log, *self._folder.glob("log/*.log")]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())
