"""Privacy is confirmed only when no part holds a picture any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import CameraDown
from pi_cam_node.runtime.privacy_control import PrivacyControl


@pytest.mark.parametrize(
    ("camera", "encoders", "said"),
    [(True, True, None), (False, True, "the camera's process"), (True, False, "encodes video")],
)
def test_a_process_that_still_holds_a_picture_is_told(
    camera: bool, encoders: bool, said: str | None, tmp_path: Path, mocker: MockerFixture
) -> None:
    loaded, start, films = mocker.Mock(), mocker.Mock(private=None), mocker.Mock()
    loaded.config.export.base_dir = tmp_path
    films.wait_released.return_value = encoders
    released = mocker.Mock()
    released.wait_released.return_value = camera
    mocker.patch("pi_cam_node.runtime.privacy_control.PrivacyMarker")
    control = PrivacyControl(loaded, start, released, mocker.Mock(), films, mocker.Mock())
    if said is None:
        control.persist(True)
    else:
        with pytest.raises(CameraDown, match=said):
            control.persist(True)
    films.camera_packets.forget.assert_called_once_with()
    control.persist(False)
