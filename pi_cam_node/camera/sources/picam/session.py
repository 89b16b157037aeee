"""An open Picamera2 with its plan. Exceptions are passed to the source, which handles them.

picamera2's objects form reference cycles, and hold file descriptors and camera memory, which are scarce. So garbage is
collected whenever a camera was stopped.
"""

from __future__ import annotations

import gc
import logging

from pi_cam_node.camera.sources.picam.controls import admitted, asked_of_camera, settings_of
from pi_cam_node.camera.sources.picam.formats import Granted
from pi_cam_node.camera.sources.picam.interface import PicameraFactory
from pi_cam_node.camera.sources.picam.plan import Plan

_log = logging.getLogger(__name__)


class Session:
    """Owns a camera from open to close, during which it is configured and runs.

    Attributes:
        camera: The opened camera.
        plan: Last plan that was applied successfully.
        granted: Stream that the camera delivers.
        fixed_us: The exposure set, in microseconds; 0 for automatic, or if it cannot be set.
        broken: A start failed. Close the camera, as another start would crash the process.
    """

    def __init__(self, factory: PicameraFactory, number: int, plan: Plan, like: Granted | None = None) -> None:
        """Open a camera, configure it and start it.

        Args:
            factory: Opens the camera.
            number: Number of the camera.
            plan: Plan to apply.
            like: Required size and layout; ``None``: any.

        Raises:
            ValueError: The pixels cannot be converted, or differ from `like`.
            Exception: An error of picamera2; the camera is closed.
        """
        self._factory = factory
        self.camera = factory.open(number)
        self.broken = False
        self._runs = False
        try:
            self.granted = self._configure(plan, like)
            self.fixed_us = self._start(plan)
        except Exception:
            self.close()
            raise
        self.plan = plan

    @property
    def exposure_can_be_set(self) -> bool:
        """Whether exposure and gain can be set in the current configuration."""
        return {"ExposureTime", "AnalogueGain"} <= set(self.camera.camera_controls)

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the settings that the camera supports in the current configuration; see `Opened.settings`."""
        return settings_of(self.camera.camera_controls)

    def reconfigure(self, plan: Plan) -> None:
        """Restart the camera in another configuration with the same size and layout.

        Raises:
            ValueError: The camera would deliver another size or layout than before.
            Exception: An error of picamera2; the camera is stopped and has no configuration.
        """
        self._halt()
        self.granted = self._configure(plan, self.granted)
        self.fixed_us = self._start(plan)
        self.plan = plan

    def restart(self, plan: Plan) -> None:
        """Restart the camera in the same configuration with other controls."""
        self._halt()
        self.fixed_us = self._start(plan)
        self.plan = plan

    def change(self, plan: Plan) -> None:
        """Change the controls of the running camera; they take effect some frames later."""
        self.fixed_us = self._set_controls(plan)
        self.plan = plan

    def close(self) -> None:
        """Close the camera in any state."""
        try:
            self.camera.cancel_all_and_flush()
            self.camera.close()
        except Exception:
            _log.exception("picamera2 did not close cleanly")
        _collect()

    def _configure(self, plan: Plan, like: Granted | None) -> Granted:
        video = plan.kind == "video"
        create = self.camera.create_video_configuration if video else self.camera.create_still_configuration
        # Without the colour space, video has limited range (luma 16 to 235): washed-out pictures, shifted thresholds.
        config = create(
            main={"format": plan.pixel_format, "size": plan.size},
            colour_space=self._factory.full_range_space(),
            buffer_count=plan.buffers,
            queue=True,
        )
        self.camera.configure(config)
        granted = Granted.of(self.camera.stream_configuration("main"), limited=self._factory.is_limited(self.camera))
        if like is not None and (granted.size, granted.layout) != (like.size, like.layout):
            raise ValueError(f"its {plan.kind} configuration gives {granted}, where {like} is needed")
        return granted

    def _start(self, plan: Plan) -> int:
        """Start the camera; return the exposure that was set."""
        fixed_us = self._set_controls(plan)
        try:
            self.camera.start()
        except Exception:
            self.broken = True
            raise
        self._runs = True
        return fixed_us

    def _set_controls(self, plan: Plan) -> int:
        values = admitted(asked_of_camera(plan.controls), self.camera.camera_controls)
        self.camera.set_controls(values)
        fixed_us = values.get("ExposureTime")
        return fixed_us if isinstance(fixed_us, int) else 0

    def _halt(self) -> None:
        """Stop the camera if it runs; it keeps its configuration and its buffers.

        Its thread is stopped first, as `stop` waits for ever after a job that waits for a frame, and for an ended
        thread.
        """
        if self._runs:
            self._runs = False
            self.camera.cancel_all_and_flush()
            self.camera.stop_preview()
            self.camera.stop()
            _collect()


def _collect() -> None:
    """Collect garbage of a stopped camera, including exempted objects: see `malloc.release_startup_memory`."""
    gc.unfreeze()
    gc.collect()
