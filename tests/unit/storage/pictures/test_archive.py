"""Files of a saved picture."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pi_cam_node.base.errors import NotSaved
from pi_cam_node.config import Config, Format
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.frame import Sensor
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.frames import IMAGES, frame_of
from tests.support.pictures import ALL, BOOT, ID, config, names, picture, scene


def scan_of(data: bytes) -> bytes:
    """Return a JPEG without its EXIF: what was encoded."""
    at = data.index(b"\xff\xe1")
    return data[:at] + data[at + 2 + struct.unpack_from(">H", data, at + 2)[0] :]


def test_a_picture_is_saved_in_each_format_with_a_sidecar(archive: PictureArchive, tmp_path: Path) -> None:
    saved = archive.save(picture(), ALL, config())
    assert saved.id == ID
    assert names(tmp_path / "captures") == sorted(f"{ID}.{e}" for e in ("jpg", "png", "npy", "json"))
    assert saved.paths == tuple(str(tmp_path / "captures" / f"{ID}.{e}") for e in ALL)


def test_the_fact_repeats_what_is_on_disk(archive: PictureArchive) -> None:
    saved = archive.save(picture(frames=(42, 43), kind="stack", method="mean"), ["png", "jpg"], config())
    data = Path(saved.paths[0]).read_bytes()
    assert Path(saved.paths[0]).suffix == ".png"
    assert (saved.size_bytes, saved.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (saved.frames, saved.kind, saved.first_mono_s) == ((42, 43), "stack", 1000.5)


def test_the_sidecar_tells_everything(archive: PictureArchive) -> None:
    saved = archive.save(picture(sensor=Sensor(20_000, 2.5, lux=7.0), mode="night"), ["jpg", "npy"], config())
    facts = json.loads(Path(saved.paths[0]).with_suffix(".json").read_text())
    files = facts.pop("files")
    assert facts == {
        "id": ID,
        "kind": "single",
        "method": None,
        "mode": "night",
        "frames": [42],
        "first_at": "2026-11-20T19:45:01.123Z",
        "last_at": "2026-11-20T19:45:01.123Z",
        "first_mono_s": 1000.5,
        "last_mono_s": 1000.5,
        "boot": BOOT,
        "clock_set": True,
        "sensor": {"exposure_us": 20_000, "gain": 2.5, "lux": 7.0, "temperature_c": None},
        "software": facts["software"],
    }
    for told, path in zip(files, map(Path, saved.paths), strict=True):
        data = path.read_bytes()
        assert told["name"] == path.name
        assert (told["bytes"], told["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_folder_and_files_are_for_the_owner_only(archive: PictureArchive, tmp_path: Path) -> None:
    archive.save(picture(), ALL, config())
    folder = tmp_path / "captures"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_missing_folders_above_are_made_too(tmp_path: Path, clock: FakeClock) -> None:
    saved = PictureArchive(tmp_path / "a" / "b", BOOT, clock, IMAGES).save(picture(), ["npy"], config())
    assert Path(saved.paths[0]).exists()


def test_a_relative_folder_gives_absolute_paths(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved = PictureArchive(Path("captures"), BOOT, clock, IMAGES).save(picture(), ["npy"], config())
    assert Path(saved.paths[0]).parent == tmp_path / "captures"


@pytest.mark.parametrize("wanted", ALL)
@pytest.mark.parametrize("as_jpeg", [False, True], ids=["pixels", "jpeg"])
def test_red_stays_red_in_every_format(archive: PictureArchive, wanted: Format, as_jpeg: bool) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 2] = 255
    content = jpeg.encode(red, "bgr", 95) if as_jpeg else red
    path = archive.save(picture(content=content), [wanted], config()).paths[0]
    pixels = np.load(path)[..., ::-1] if wanted == "npy" else np.asarray(Image.open(path).convert("RGB"))
    assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("wanted", ["png", "npy"])
def test_lossless_formats_lose_nothing(archive: PictureArchive, wanted: Format) -> None:
    path = archive.save(picture(), [wanted], config()).paths[0]
    assert ((np.load(path) if wanted == "npy" else cv2.imread(str(path))) == scene()).all()


def test_a_frame_of_planes_is_saved_in_its_colours(archive: PictureArchive) -> None:
    y, u, v = 76, 85, 255  # red in full-range sYCC
    planes = np.concatenate([np.full(32 * 32, y), np.full(16 * 16, u), np.full(16 * 16, v)]).astype(np.uint8)
    frame = frame_of(planes.reshape(48, 32), 7, layout="i420", raw=True, others=[92])
    saved = archive.save(picture(content=frame), ALL, config())
    assert np.abs(np.load(saved.paths[2])[..., ::-1].astype(int) - (255, 0, 0)).max() <= 3
    assert np.abs(np.asarray(Image.open(saved.paths[0])).astype(int) - (255, 0, 0)).max() <= 3


def test_a_ring_frame_is_stored_without_a_second_encode(archive: PictureArchive) -> None:
    ring_frame = jpeg.encode(scene(), "bgr", 70)
    saved = archive.save(picture(content=ring_frame, kind="ring"), ["jpg"], config())
    assert scan_of(Path(saved.paths[0]).read_bytes()) == ring_frame


def test_the_quality_of_the_settings_is_used(archive: PictureArchive) -> None:
    sizes = []
    for quality in (30, 95):
        settings = Config.model_validate({"export": {"jpeg_quality": quality}, "storage": {"min_free_bytes": 0}})
        sizes.append(archive.save(picture(), ["jpg"], settings).size_bytes)
    assert sizes[0] < sizes[1]


def test_a_jpg_bears_its_id(archive: PictureArchive) -> None:
    saved = archive.save(picture(), ["jpg"], config())
    with Image.open(saved.paths[0]) as image:
        assert image.getexif()[0x010E] == ID


def test_a_format_asked_for_twice_is_written_once(archive: PictureArchive) -> None:
    assert len(archive.save(picture(), ["jpg", "jpg"], config()).paths) == 1


def test_a_content_that_is_no_picture_is_not_saved(archive: PictureArchive, tmp_path: Path) -> None:
    with pytest.raises(NotSaved, match="as jpg"):
        archive.save(picture(content=b"GIF89a"), ALL, config())
    assert names(tmp_path / "captures") == []
