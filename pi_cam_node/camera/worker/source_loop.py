"""Main loop of a source: opens and reads it, executes orders, and reports the results.

It runs in a separate process or, without isolation, in a thread of the node.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from pi_cam_node.base.errors import NodeError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.catalogue import make
from pi_cam_node.camera.source import BadImage, Source
from pi_cam_node.camera.worker.child_log import short
from pi_cam_node.camera.worker.messages import (
    Applied,
    Apply,
    Arrived,
    Configure,
    Deliver,
    Failed,
    Open,
    Order,
    Quit,
    Ready,
    Refused,
    Report,
    Share,
)
from pi_cam_node.camera.worker.picture_maker import PictureMaker
from pi_cam_node.imaging.orientation import Orientation

_log = logging.getLogger(__name__)

# Poll interval of an idle loop, in case a wake-up was missed.
_LOOK_S = 10.0
# Maximum number of pending orders; beyond it the oldest request is dropped, which the node repeats.
_ORDERS_MAX = 64
# Consecutive damaged images, and their duration in seconds, after which the camera counts as failed.
BAD_IMAGES_MAX, BAD_S = 5, 3.0


class SourceLoop:
    """Opens, reads and closes the source as ordered.

    Thread: `run` one; `order` any.
    """

    def __init__(self, post: Callable[[Report], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        """Create a loop without a source.

        Args:
            post: Receives reports. Its exceptions end `run`.
            monotonic: Tells the time.
        """
        self._post = post
        self._orders: list[Order] = []
        self._changed = threading.Condition()
        self._source: Source | None = None
        self._maker: PictureMaker | None = None
        self._session = 0
        self._monotonic = monotonic
        self._good_s, self._bad_in_a_row, self._dropped = 0.0, 0, 0

    def order(self, order: Order) -> None:
        """Queue an order; it replaces orders that it makes obsolete."""
        with self._changed:
            if isinstance(order, Open | Quit):
                self._orders = [order]
            else:
                kind = () if isinstance(order, Deliver) else type(order)
                kept = [each for each in self._orders if not isinstance(each, kind)]
                if len(kept) >= _ORDERS_MAX:
                    kept.remove(next(each for each in kept if isinstance(each, Deliver)))
                self._orders = [*kept, order]
            self._changed.notify()

    def run(self) -> None:
        """Run until the order to quit."""
        try:
            while not isinstance(order := self._next_order(), Quit):
                match order:
                    case Open():
                        self._open(order)
                    case Apply():
                        self._apply(order)
                    case Configure():
                        self._configure(order)
                    case Deliver():
                        self._deliver(order)
                    case Share():
                        self._share(order)
                    case None:
                        self._read()
        finally:
            self._close()

    def _next_order(self) -> Order | None:
        """Return the next order; ``None`` if there is none and a source is open."""
        if not self._orders and self._source is not None:
            return None
        with self._changed:
            while not self._orders and self._source is None:
                self._changed.wait(_LOOK_S)
            return self._orders.pop(0) if self._orders else None

    def _open(self, order: Open) -> None:
        self._close()
        self._session = order.session
        try:
            self._source = make(order.camera.source)
            opened = self._source.open(order.camera, order.controls)
            orientation = Orientation() if opened.oriented else _orientation(order)
            self._maker = PictureMaker(opened, orientation, order.masks, order.output)
        except Exception as error:
            self._fail(error)
        else:
            self._good_s, self._bad_in_a_row, self._dropped = self._monotonic(), 0, 0
            self._post(Ready(order.session, self._maker.opened))

    def _apply(self, order: Apply) -> None:
        if self._source is None:
            return  # the order to reopen the source includes it
        try:
            self._source.apply(order.controls)
        except Exception as error:
            self._post(Refused(order.generation, order.controls.mode, _reason(error)))
        else:
            if self._maker is not None:
                self._maker.controls_changed(time.monotonic())
            self._post(Applied(order.generation))

    def _configure(self, order: Configure) -> None:
        if self._maker is not None:
            self._maker.configure(order.output)

    def _deliver(self, order: Deliver) -> None:
        if self._maker is not None:
            self._maker.deliver(order)

    def _share(self, order: Share) -> None:
        if self._maker is not None:
            self._maker.share(planes=order.planes)

    def _read(self) -> None:
        if self._source is None or self._maker is None:
            return
        try:
            image = self._maker.make(self._source.read())
        except BadImage as error:
            self._drop(error)
        except Exception as error:
            self._fail(error)
        else:
            self._good_s, self._bad_in_a_row = self._monotonic(), 0
            self._post(Arrived(self._session, image, self._dropped))

    def _drop(self, error: BadImage) -> None:
        """Skip a damaged image; fail if only damaged ones arrive, so that the source is reopened."""
        self._dropped += 1
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= BAD_IMAGES_MAX and self._monotonic() - self._good_s >= BAD_S:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._close()
        self._post(Failed(self._session, _reason(error)))

    def _close(self) -> None:
        source, self._source = self._source, None
        maker, self._maker = self._maker, None
        if maker is not None:
            maker.close()
        if source is not None:
            try:
                source.close()
            except Exception:
                _log.exception("the source could not be closed")


def _orientation(order: Open) -> Orientation:
    return Orientation(order.camera.rotation, order.camera.hflip, order.camera.vflip)


def _reason(error: Exception) -> str:
    """Return the error's message; an unexpected error is logged with its traceback."""
    if isinstance(error, MemoryError):
        return "a picture takes more memory than the camera's process may use; choose a smaller size in the camera"
    if isinstance(error, NodeError):
        return short(without_logins(str(error)))
    _log.error("unexpected error of the source", exc_info=error)
    return short(without_logins(f"{type(error).__name__}: {error}"))
