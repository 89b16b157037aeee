"""Camera process with a driver that hangs at some sizes; replaces the normal one."""

from __future__ import annotations

import sys
import threading

from pi_cam_node.camera.source import Controls, Opened
from pi_cam_node.camera.sources.synthetic.source import SyntheticSource
from pi_cam_node.camera.worker import child_main
from pi_cam_node.config import CameraConfig

HANGS_FROM_PX = 4000

_open = SyntheticSource.open


def open_or_hang(source: SyntheticSource, camera: CameraConfig, controls: Controls) -> Opened:
    if camera.width >= HANGS_FROM_PX:
        threading.Event().wait()
    return _open(source, camera, controls)


if __name__ == "__main__":
    SyntheticSource.open = open_or_hang  # type: ignore[assignment,method-assign]
    child_main.main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
