"""The Raspberry Pi camera, through picamera2.

picamera2 runs a thread of its own, which must never get an exception or wait for the source; see `grab`. A failed
switch leaves the camera stopped and without a configuration, so the last good plan is kept and applied again.
"""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import CameraSettings, Controls, Opened, Shot
from pi_cam_node.camera.sources.picam.cameras import choose, known_cameras
from pi_cam_node.camera.sources.picam.formats import convert
from pi_cam_node.camera.sources.picam.grab import grab
from pi_cam_node.camera.sources.picam.interface import InstalledPicamera2, PicameraFactory, explain
from pi_cam_node.camera.sources.picam.metadata import CameraClock, captured_mono_s, sensor_of
from pi_cam_node.camera.sources.picam.mode_watch import ModeWatch
from pi_cam_node.camera.sources.picam.plan import plan_of, step_between
from pi_cam_node.camera.sources.picam.session import Session
from pi_cam_node.imaging.jpeg import Pixels

_log = logging.getLogger(__name__)


class Picamera2Source:
    """A camera accessed through libcamera.

    Thread: one, from `open` to `close`.
    """

    def __init__(
        self, name: str = "", factory: PicameraFactory | None = None, clock: CameraClock | None = None
    ) -> None:
        """Create the source; picamera2 is imported by `open`.

        Args:
            name: Number, model or id of the camera; empty: the first one.
            factory: Opens cameras; by default the installed picamera2.
            clock: By default the clocks of this machine.
        """
        self._name = name
        self._factory = factory or InstalledPicamera2()
        self._clock = clock or CameraClock()
        self._camera: CameraSettings | None = None
        self._number = 0
        self._session: Session | None = None
        self._watch = ModeWatch("day", 0)
        self._tells_exposure = False
        self._first_frame = True

    def open(self, camera: CameraSettings, controls: Controls) -> Opened:
        """Open, configure and start the camera.

        Raises:
            SourceError: There is no such camera, it is in use, or it refused; nothing is left open.
        """
        self.close()
        found = choose(self._name, known_cameras(self._factory))
        try:
            session = Session(self._factory, found.number, plan_of(camera, controls))
        except Exception as error:
            raise SourceError(f"the camera {found.model} cannot be opened: {explain(error)}") from error
        self._session, self._number, self._camera = session, found.number, camera
        self._watch = ModeWatch(controls.mode, session.fixed_us)
        self._tells_exposure, self._first_frame = False, True
        granted = session.granted
        return Opened(
            f"picamera2:{found.model}",
            granted.size,
            granted.layout,
            session.exposure_can_be_set,
            settings=session.settings,
            tells_light=session.exposure_can_be_set,
        )

    def read(self) -> Shot:
        """Return the next image.

        Raises:
            SourceError: No image arrived in time, or picamera2 failed; close and reopen the source.
        """
        session = self._opened()
        patience_s = session.plan.first_silence_s if self._first_frame else session.plan.silence_s
        give_up_ns = self._clock.monotonic_ns() + round(patience_s * 1e9)
        while (left_ns := give_up_ns - self._clock.monotonic_ns()) > 0:
            buffer, metadata = self._next_frame(session, left_ns / 1e9)
            try:
                pixels = convert(buffer, session.granted)
            except ValueError as error:
                _log.warning("a damaged image from the camera was dropped: %s", error)
                continue
            self._first_frame = False
            return self._shot(session, pixels, metadata)
        raise SourceError(f"every image of the camera was damaged for {patience_s:.1f} s: check its cable")

    def apply(self, controls: Controls) -> None:
        """Change the controls with the smallest possible step.

        Raises:
            SourceError: The camera refused. It continues as before, or has stopped if the message says so.
        """
        session = self._opened()
        assert self._camera is not None  # set together with the session
        plan = plan_of(self._camera, controls)
        step = step_between(session.plan, plan, tells_exposure=self._tells_exposure)
        if step == "nothing":
            return
        try:
            {"live": session.change, "restart": session.restart, "configure": session.reconfigure}[step](plan)
        except Exception as error:
            self._go_back(session, error)
        self._first_frame = step != "live"
        self._watch.switch(controls.mode, session.fixed_us, live=step == "live")

    def close(self) -> None:
        """Release the camera. Safe to call twice, and after a failed `open`."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> Session:
        if self._session is None:
            raise SourceError("the camera is not open")
        return self._session

    def _next_frame(self, session: Session, timeout_s: float) -> tuple[Pixels, dict[str, Any]]:
        """Return a copy of the next buffer, and its libcamera metadata."""
        try:
            with grab(session.camera, self._clock, timeout_s) as request:
                return request.make_buffer("main"), request.get_metadata()
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(f"picamera2 failed: {explain(error)}") from error

    def _shot(self, session: Session, pixels: Pixels, metadata: dict[str, Any]) -> Shot:
        sensor = sensor_of(metadata)
        captured_s = captured_mono_s(metadata, self._clock)
        self._tells_exposure = sensor.exposure_us is not None
        mode = self._watch.frame(sensor.exposure_us)
        if self._watch.overdue:
            self._insist(session, sensor.exposure_us)
        controls = session.plan.controls
        # A camera whose exposure cannot be set keeps its frame rate by day.
        interval_s = controls.interval_s if session.fixed_us else 1 / controls.framerate
        exposure_s = interval_s if sensor.exposure_us is None else sensor.exposure_us / 1e6
        return Shot(pixels, captured_s - exposure_s, captured_s, mode, sensor)

    def _insist(self, session: Session, exposure_us: int | None) -> None:
        """Repeat a switch without effect: picamera2 may lose a live change, a sensor may not support an exposure."""
        if not self._watch.live:
            _log.warning("the camera exposes for %s µs where %s were asked for", exposure_us, session.fixed_us)
            self._watch.believe()
            return
        mode = session.plan.controls.mode
        try:
            session.restart(session.plan)
        except Exception as error:
            raise SourceError(f"the camera did not follow into {mode}: {explain(error)}") from error
        self._first_frame = True
        self._watch.switch(mode, session.fixed_us, live=False)

    def _go_back(self, session: Session, error: Exception) -> NoReturn:
        """Restore the state before a failed switch.

        Raises:
            SourceError: Always; says what failed, and whether the camera continues.
        """
        plan = session.plan
        try:
            if session.broken:
                session.close()
                self._session = Session(self._factory, self._number, plan, like=session.granted)
            else:
                session.reconfigure(plan)
        except Exception as second:
            self.close()
            raise SourceError(f"the camera refused: {explain(error)}; and it stopped: {explain(second)}") from error
        self._first_frame = True
        raise SourceError(f"the camera refused: {explain(error)}; it goes on as it was") from error
