"""What recorder and clips are told of the settings."""

from __future__ import annotations

from pathlib import Path

from pi_cam_node.config import Config
from pi_cam_node.recording.films import Films
from tests.support.fakes.clock import FakeClock


def test_recordings_and_clips_are_for_whom_storage_file_mode_says(tmp_path: Path) -> None:
    config = Config.model_validate({"export": {"base_dir": str(tmp_path)}, "storage": {"file_mode": "0640"}})
    films = Films(
        config,
        "3f2a91c0-0000",
        FakeClock(),
        pictures=lambda _mono_s: None,  # type: ignore[arg-type, return-value]
        current=lambda: config,
        post=lambda _message: True,
        event=lambda _event_id: None,
        is_private=lambda: False,
    )
    assert films._recorder._settings().access.mode == 0o640
    assert films._clips._access().mode == 0o640
