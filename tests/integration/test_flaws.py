"""Regressions of flaws of the predecessor service that need a running node; see docs/decisions/0005."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.broker import Mosquitto, free_port
from tests.support.running_node import CommandClient, RunningNode

pytestmark = pytest.mark.broker


@pytest.mark.promise("H8", "B11")
def test_the_node_listens_on_loopback_only(broker: Mosquitto, tmp_path: Path, figure: Callable[[str], None]) -> None:
    port = free_port()
    view = {"enable": True, "port": port}
    with RunningNode(tmp_path, broker.port, mjpeg_server=view) as node, broker.client() as client:
        CommandClient(client).wait_online()
        family = [psutil.Process(node.process.pid), *psutil.Process(node.process.pid).children(recursive=True)]
        pids = {process.pid for process in family}
        sockets = [each for each in psutil.net_connections(kind="inet") if each.pid in pids]
        assert [each for each in sockets if each.raddr and each.raddr.port == broker.port]
        listening = [tuple(each.laddr) for each in sockets if not each.raddr]
        figure(f"{len(listening)} socket listens, on {listening[0][0]} only")
        assert listening == [("127.0.0.1", port)]
