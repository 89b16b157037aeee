"""Import of cameras from real configuration files of go2rtc, Frigate and motionEye."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.errors import ConfigError
from pi_cam_node.console.imports import motioneye
from pi_cam_node.console.imports.camera_list import CameraList, NotTaken, id_of, source_of
from pi_cam_node.console.imports.reading import cameras_in

GO2RTC = """\
api:
  listen: ":1984"
rtsp:
  listen: ":8554"
streams:
  porch: rtsp://admin:s3cret@192.0.2.10:554/Streaming/Channels/101#backchannel=0
  Garten Süd:
    - rtsp://admin:${CAM_PASSWORD}@192.0.2.11/h264Preview_01_main
    - "ffmpeg:Garten Süd#audio=opus"
    - rtsp://admin:${CAM_PASSWORD}@192.0.2.11/h264Preview_01_sub
  printer: http://192.0.2.12:8080/?action=stream
  usb: v4l2:device?video=/dev/video0&input_format=mjpeg&video_size=1280x720
  picam: exec:libcamera-vid -t 0 --inline -o -
  doorbell: "onvif://admin:s3cret@192.0.2.13:80?subtype=MediaProfile000"
  reolink: http://192.0.2.14/flv?port=1935&app=bcs&stream=channel0_main.bcs&user=admin&password=s3cret
  empty:
"""
FRIGATE = """\
mqtt:
  host: 192.0.2.1
  user: frigate
  password: "{FRIGATE_MQTT_PASSWORD}"
go2rtc:
  streams:
    front:
      - rtsp://viewer:s3cret@192.0.2.20:554/cam/realmonitor?channel=1&subtype=0
      - ffmpeg:front#audio=aac
cameras:
  front:
    friendly_name: Front door
    ffmpeg:
      inputs:
        - path: rtsp://127.0.0.1:8554/front_sub
          roles: [detect]
        - path: rtsp://127.0.0.1:8554/front
          input_args: preset-rtsp-restream
          roles:
            - record
    detect:
      width: 1280
      height: 720
    motion:
      mask:
        - 0,0,0.4,0,0.4,0.05,0,0.05
    zones:
      path:
        coordinates: 0.1,0.2,0.3,0.4,0.5,0.6
  yard:
    ffmpeg:
      inputs:
        - path: rtsp://admin:{FRIGATE_RTSP_PASSWORD}@192.0.2.21:554/live
          roles: [detect, record]
  shed:
    enabled: false
    ffmpeg: {inputs: [{path: 'rtsp://192.0.2.22/live', roles: [detect]}]}
  hall:
    ffmpeg: {inputs: [{path: 'rtsp://127.0.0.1:8554/hall', roles: [detect]}]}
"""
NETCAM = """\
# @id 1
# @enabled on
# @network_password x

camera_name Front door
netcam_url rtsp://192.0.2.30:554/stream1
netcam_userpass admin:p@ss/word
rotate 90
width 1920
pre_capture 0
"""
OLD_USB = "# @name Workshop\n# @enabled on\n# @proto v4l2\nvideodevice /dev/video0\n"
PI = "# @enabled on\ncamera_name Nest\nmmalcam_name vc.ril.camera\nvideodevice \n"
REMOTE = "# @enabled on\n# @proto motioneye\n# @host attic.local\n# @password s3cret\n# @name Attic\n"


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> CameraList:
    file = folder / "config.yml"
    file.write_text(text)
    return cameras_in(file, environ or {})


def sources(found: CameraList) -> dict[str, str]:
    return {camera.id: camera.source for camera in found.cameras}


def test_streams_of_go2rtc_are_taken_by_their_first_address_that_a_node_reads(tmp_path: Path) -> None:
    found = read(tmp_path, GO2RTC, {"CAM_PASSWORD": "pw"})
    assert sources(found) == {
        "porch": "rtsp://admin:s3cret@192.0.2.10:554/Streaming/Channels/101",
        "garten_sud": "rtsp://admin:pw@192.0.2.11/h264Preview_01_main",
        "printer": "http://192.0.2.12:8080/?action=stream",
        "usb": "v4l2:/dev/video0",
    }
    assert found.cameras[1].name == "Garten Süd"
    told = "\n".join(found.notes)
    for expected in (
        "picam: not taken: address 1: exec: runs a program",
        "doorbell: not taken: address 1: onvif: no source",
        "reolink: not taken: address 1: video over HTTP",
        "empty: not taken: it has no address",
        "Garten Süd: 2 more addresses not taken",
        "porch: go2rtc's options behind # are left out",
        "no part of a camera list: api, rtsp",
    ):
        assert expected in told
    assert "s3cret" not in told


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, "streams: {gate: 'rtsp://a:${CAM_PASSWORD}@192.0.2.1/x', b: 'rtsp://${HOST:192.0.2.2}/x'}")
    assert sources(found) == {"b": "rtsp://192.0.2.2/x"}
    assert "the variable CAM_PASSWORD is not set here" in found.notes[0]


def test_cameras_of_frigate_are_taken_by_the_input_that_records(tmp_path: Path) -> None:
    found = read(tmp_path, FRIGATE, {"FRIGATE_RTSP_PASSWORD": "pw"})
    assert sources(found) == {
        "front": "rtsp://viewer:s3cret@192.0.2.20:554/cam/realmonitor?channel=1&subtype=0",
        "yard": "rtsp://admin:pw@192.0.2.21:554/live",
    }
    assert found.cameras[0].name == "Front door"
    told = "\n".join(found.notes)
    for expected in (
        "front: taken is input 2 of 2 (record)",
        "front: input_args not taken",
        "front: motion.mask not taken",
        "set it on the node's page: detect, motion, zones",
        "shed: not taken: it is not enabled",
        "hall: not taken: its address is that of go2rtc's stream hall",
        "no part of a camera list: mqtt",
    ):
        assert expected in told
    assert "s3cret" not in told


def test_a_folder_or_backup_without_cameras_of_motioneye_is_refused(tmp_path: Path) -> None:
    folder, backup = tmp_path / "etc", tmp_path / "backup.tar.gz"
    folder.mkdir()
    (folder / "motioneye.conf").write_text("port 8765\n")
    with tarfile.open(backup, "w:gz") as archive:
        archive.add(folder / "motioneye.conf", "motioneye.conf")
    for path in (folder, backup):
        with pytest.raises(ConfigError, match=r"holds no camera-N\.conf of motionEye"):
            cameras_in(path, {})


def test_files_of_motioneye_are_read_from_a_folder_and_from_its_backup(tmp_path: Path) -> None:
    folder, backup = tmp_path / "motioneye", tmp_path / "motioneye-config.tar.gz"
    folder.mkdir()
    with tarfile.open(backup, "w:gz") as archive:
        for number, text in enumerate((NETCAM, OLD_USB, PI, REMOTE), 1):
            (folder / f"camera-{number}.conf").write_text(text)
            member = tarfile.TarInfo(f"./camera-{number}.conf")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("camera-9.conf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(link)
    (folder / "motioneye.conf").write_text("port 8765\n")
    for found in (cameras_in(folder, {}), cameras_in(backup, {})):
        assert sources(found) == {
            "front_door": "rtsp://admin:p%40ss%2Fword@192.0.2.30:554/stream1",
            "workshop": "v4l2:/dev/video0",
            "nest": "picamera2",
        }
        told = "\n".join(found.notes)
        assert "rotate (now camera.rotation), width (now camera.width)" in told
        assert "Attic: not taken: it belongs to the motionEye on attic.local" in told
        assert "pre_capture" not in told
        assert "s3cret" not in told
        assert "p@ss" not in told


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x1f\x8bnot a backup", "no whole .tar.gz"),
        (b"a: &x 1\nb: *x\n", "anchor"),
        (b"streams: !python/name:os.system x\n", "tag"),
        (b"mqtt: {host: x}\n", "neither `streams:`"),
        (b"\xff\xfe", "expected UTF-8"),
        (b"x" * (1 << 20) + b"y", "larger than 1 MiB"),
    ],
)
def test_what_is_none_of_these_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=why):
        cameras_in(file, {})


def test_a_backup_that_unpacks_to_too_much_is_refused(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(motioneye, "BACKUP_MAX_BYTES", 512)
    backup = tmp_path / "b.tar.gz"
    with tarfile.open(backup, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("camera-1.conf"))
    with pytest.raises(ConfigError, match="larger than"):
        cameras_in(backup, {})


@pytest.mark.parametrize(
    "address",
    [
        "rtsp:///live",
        "rtsp://host:99999999/x",
        "rtsp://a:b#c@host/x y",
        "rtsp://a:100%@host/",
        "file:/etc/shadow",
        "/dev/video0/../sda",
        "v4l2:device?video=/dev/sda",
        "rtsp://host/" + "x" * 600,
        "",
    ],
)
def test_addresses_that_no_source_reads_are_not_taken(address: str) -> None:
    with pytest.raises(NotTaken):
        source_of(address, {})


def test_ids_are_ascii_and_each_is_there_once() -> None:
    assert [id_of(name) for name in ("Front Door", "Größe", "北", "-_x")] == ["front_door", "grosse", "camera", "x"]
    found = CameraList("x")
    for name in ("a b", "a_b", "A B"):
        found.add(name, "synthetic")
    assert [camera.id for camera in found.cameras] == ["a_b", "a_b_2", "a_b_3"]
