"""Reading saved pictures back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pi_cam_node.imaging.jpeg import decode
from pi_cam_node.storage.pictures.archive import PictureArchive
from tests.support.fakes.clock import FakeClock
from tests.support.pictures import archive_in, config, picture


def test_a_picture_is_read_back_as_it_was_saved(archive: PictureArchive, tmp_path: Path, clock: FakeClock) -> None:
    first = archive.save(picture(), ["jpg"], config())
    clock.advance(60)
    saved = archive.save(picture(), ["jpg", "png"], config())
    later = archive_in(tmp_path, clock)
    for found, told in ((later.reload(config()), saved), (later.reload(config(), first.id), first)):
        assert found is not None
        assert (found.facts(), found.image) == (told.facts(), told.image)
        assert decode(found.thumbnail or b"").shape == decode(told.thumbnail or b"").shape


def test_a_picture_without_a_jpeg_has_its_facts_alone(archive: PictureArchive) -> None:
    saved = archive.save(picture(), ["npy"], config())
    found = archive.reload(config())
    assert found is not None
    assert (found.facts(), found.image, found.thumbnail) == (saved.facts(), None, None)


def test_an_empty_folder_has_no_picture(archive: PictureArchive) -> None:
    assert archive.reload(config()) is None
    assert archive.reload(config(), "../etc/passwd") is None


@pytest.mark.parametrize("damage", ["gone", "a pipe", "no json", "no files", "a name elsewhere", "a text for a number"])
def test_what_is_damaged_is_not_told(archive: PictureArchive, damage: str) -> None:
    saved = archive.save(picture(), ["jpg"], config())
    jpg = Path(saved.paths[0])
    sidecar = jpg.with_suffix(".json")
    facts = json.loads(sidecar.read_text())
    match damage:
        case "gone":
            jpg.unlink()
        case "a pipe":
            jpg.unlink()
            os.mkfifo(jpg)
        case "no json":
            sidecar.write_text("{")
        case "no files":
            sidecar.write_text(json.dumps({**facts, "files": []}))
        case "a name elsewhere":
            facts["files"][0]["name"] = "/etc/passwd"
            sidecar.write_text(json.dumps(facts))
        case _:
            sidecar.write_text(json.dumps({**facts, "first_mono_s": "now"}))
    assert archive.reload(config(), saved.id) is None
