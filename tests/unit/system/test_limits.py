"""Limits of the process that are too tight are said, and what to change."""

from __future__ import annotations

import resource

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.system.limits import tight_limits

FREE = {resource.RLIMIT_FSIZE: resource.RLIM_INFINITY, resource.RLIMIT_NOFILE: 1024}


@pytest.mark.parametrize(
    ("tight", "said"),
    [
        ({}, []),
        ({resource.RLIMIT_NOFILE: resource.RLIM_INFINITY}, []),
        ({resource.RLIMIT_FSIZE: 65_536}, ["files may have 65536 bytes at most (ulimit -f"]),
        ({resource.RLIMIT_NOFILE: 64}, ["64 files may be open at most (ulimit -n"]),
        ({resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NOFILE: 0}, ["files may have 0", "0 files may be open"]),
    ],
)
def test_only_a_tight_limit_is_said(mocker: MockerFixture, tight: dict[int, int], said: list[str]) -> None:
    limits = {**FREE, **tight}
    mocker.patch.object(resource, "getrlimit", lambda which: (limits[which], resource.RLIM_INFINITY))
    lines = list(tight_limits())
    assert len(lines) == len(said)
    assert all(line.startswith(words) for line, words in zip(lines, said, strict=True))
