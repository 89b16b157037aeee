"""Lets ``python -m pi_cam_node.cli.reference --check`` work in a checkout that is not installed."""

from __future__ import annotations

import sys

from pi_cam_node.cli.reference import main

if __name__ == "__main__":
    sys.exit(main())
