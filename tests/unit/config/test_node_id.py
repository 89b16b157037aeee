"""The default node id from the host name."""

from __future__ import annotations

import re

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.config.sections.node import NODE_ID_PATTERN, default_node_id


@pytest.mark.parametrize(
    ("host", "node_id"),
    [
        ("raspberrypi", "raspberrypi"),
        ("Garten-Cam.fritz.box", "garten-cam"),
        ("küche", "k-che"),
        ("камера", "camera"),
        ("cam_1", "cam_1"),
        ("-cam-", "cam"),
        ("a b/c+#", "a-b-c"),
        ("localhost", "camera"),
        ("all", "camera"),
        ("group.lan", "camera"),
        ("", "camera"),
        ("x" * 300, "x" * 64),
    ],
)
def test_every_host_name_gives_an_id(host: str, node_id: str, mocker: MockerFixture) -> None:
    mocker.patch("socket.gethostname", return_value=host)
    assert default_node_id() == node_id
    assert re.fullmatch(NODE_ID_PATTERN, node_id)
