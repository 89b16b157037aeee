"""Detection of a folder's file system from the kernel's mount list."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base import file_system
from pi_cam_node.base.file_system import network_file_system

MOUNTS = """\
22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw
31 22 0:29 / /mnt/nas rw,relatime shared:9 - nfs4 nas:/pictures rw,vers=4.2
32 31 0:30 / /mnt/nas/local rw - ext4 /dev/sda1 rw
33 22 0:31 / /mnt/my\\040share rw - cifs //nas/share rw
34 22 0:32 / /mnt/ssh rw - fuse.sshfs me@host: rw
35 22 0:33 / /mnt/covered rw - nfs4 nas:/x rw
36 22 0:34 / /mnt/covered rw - tmpfs tmpfs rw
38 22 0:36 / /mnt/büro rw - nfs4 nas:/z rw
no line of this kind
"""


@pytest.fixture
def _mounts(tmp_path: Path, mocker: MockerFixture) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS, "utf-8")
    mocker.patch.object(file_system, "_MOUNTS", tmp_path / "mountinfo")


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/pi-cam-node", ""),
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/a/b", "nfs4"),
        ("/mnt/nasty", ""),
        ("/mnt/nas/local/a", ""),
        ("/mnt/my share/a", "cifs"),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/mnt/covered", ""),
        ("/mnt/büro/a", "nfs4"),
    ],
)
def test_a_folder_on_a_network_file_system_is_told_from_others(folder: str, kind: str) -> None:
    assert network_file_system(Path(folder)) == kind


def test_where_nothing_tells_it_is_taken_for_a_local_one(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(file_system, "_MOUNTS", tmp_path / "no-proc")
    assert network_file_system(tmp_path) == ""
