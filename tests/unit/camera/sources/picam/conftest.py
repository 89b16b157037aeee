"""The camera with the fake library."""

from __future__ import annotations

import pytest

from tests.support.fakes.picam_rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
