"""The lock on the console's folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.console.store.folder_lock import lock_folder


def test_a_console_that_is_being_stopped_is_waited_for(tmp_path: Path) -> None:
    first = lock_folder(tmp_path)
    assert first is not None
    threading.Timer(0.3, os.close, (first,)).start()
    second = lock_folder(tmp_path, wait_s=30)
    assert second is not None
    with pytest.raises(ConfigError, match="another console uses"):
        lock_folder(tmp_path, wait_s=0)
    os.close(second)
