"""``python -m pi_cam_node`` is ``pi-cam-node``."""

from __future__ import annotations

import sys

from pi_cam_node.cli.main import main

if __name__ == "__main__":  # the camera's process imports this file again
    sys.exit(main())
