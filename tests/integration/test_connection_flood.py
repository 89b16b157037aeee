"""A flood of connections to the HTTP server."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import psutil
from pytest_mock import MockerFixture

from pi_cam_node.web.http.connection_limit import CONNECTIONS_MAX, ConnectionLimit
from tests.support.web_server import RunningWebServer

CLIENTS = 600


def test_connections_that_waited_while_the_server_was_busy_take_few_descriptors(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    counts: list[int] = []
    admit = ConnectionLimit.admit

    def counted(limit: ConnectionLimit, member: object) -> bool:
        counts.append(psutil.Process().num_fds())
        return admit(limit, member)  # type: ignore[arg-type]

    mocker.patch.object(ConnectionLimit, "admit", counted)
    with RunningWebServer(tmp_path) as serving:
        assert serving.get("/healthz").status
        busy = threading.Event()
        assert serving.web._loop is not None
        serving.web._loop.call_soon_threadsafe(busy.wait, 30)
        clients = [socket.create_connection(("127.0.0.1", serving.port), 30) for _ in range(CLIENTS)]
        before, counts[:] = psutil.Process().num_fds(), []
        busy.set()
        assert serving.get("/healthz").status, "a newcomer is served"
        for client in clients:
            client.close()
    assert len(counts) > CLIENTS
    assert max(counts) - before < 2 * CONNECTIONS_MAX
