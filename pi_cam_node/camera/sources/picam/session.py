"""An opened Picamera2 with its plan. Exceptions pass through; the source decides about them.

picamera2's objects refer to each other in circles, and hold file descriptors and camera memory. Both
are short, so the garbage is collected whenever a camera was stopped.
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
    """Owns a camera from open to close, configured and running in between.

    Attributes:
        camera: The opened camera.
        plan: Last plan that was set up with success.
        granted: Stream that the camera delivers.
        fixed_us: The exposure that was set, in microseconds; 0 for automatic, or where it cannot be set.
        broken: A start failed. The next one would end in a crash of the process: close the camera.
    """

    def __init__(self, factory: PicameraFactory, number: int, plan: Plan, like: Granted | None = None) -> None:
        """Open a camera, configure it and start it.

        Args:
            factory: Where the camera comes from.
            number: Which one.
            plan: Plan to set up.
            like: Size and layout that it has to deliver; anything where none is given.

        Raises:
            ValueError: The camera delivers pixels that cannot be converted, or other than `like`.
            Exception: An error of picamera2. The camera is closed then.
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
        """Whether the camera, as configured, takes exposure and gain."""
        return {"ExposureTime", "AnalogueGain"} <= set(self.camera.camera_controls)

    @property
    def settings(self) -> tuple[str, ...]:
        """Keys of the settings that the camera, as configured, follows; see `Opened.settings`."""
        return settings_of(self.camera.camera_controls)

    def reconfigure(self, plan: Plan) -> None:
        """Stop the camera, and start it in another configuration of the same size and layout.

        Raises:
            ValueError: The camera would deliver other pixels than before.
            Exception: An error of picamera2; the camera is stopped then and has no configuration.
        """
        self._halt()
        self.granted = self._configure(plan, self.granted)
        self.fixed_us = self._start(plan)
        self.plan = plan

    def restart(self, plan: Plan) -> None:
        """Stop the camera, and start it in the same configuration with other controls."""
        self._halt()
        self.fixed_us = self._start(plan)
        self.plan = plan

    def change(self, plan: Plan) -> None:
        """Change the controls of the running camera; some frames later they hold."""
        self.fixed_us = self._set_controls(plan)
        self.plan = plan

    def close(self) -> None:
        """Close the camera, whatever state it is in."""
        try:
            self.camera.cancel_all_and_flush()
            self.camera.close()
        except Exception:
            _log.exception("picamera2 did not close cleanly")
        _collect()

    def _configure(self, plan: Plan, like: Granted | None) -> Granted:
        video = plan.kind == "video"
        create = self.camera.create_video_configuration if video else self.camera.create_still_configuration
        # Without the colour space video comes with luma of 16 to 235: washed-out pictures, shifted thresholds.
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
        """Start the camera, and return the exposure that was set."""
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
        """Stop the camera where it runs; it keeps its configuration and its buffers.

        Its thread goes first: `stop` waits for ever behind a job that waits for a frame, and for an ended thread.
        """
        if self._runs:
            self._runs = False
            self.camera.cancel_all_and_flush()
            self.camera.stop_preview()
            self.camera.stop()
            _collect()


def _collect() -> None:
    """Collect what a stopped camera leaves, also where it was exempt: see `malloc.release_startup_memory`."""
    gc.unfreeze()
    gc.collect()
