"""The loop around a source: opens it, reads it, obeys orders, and tells what came of it.

The same loop runs in a process of its own and, without isolation, in a thread of the node.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pi_cam_node.base.errors import NodeError, SourceError
from pi_cam_node.base.redaction import without_logins
from pi_cam_node.camera.catalogue import make
from pi_cam_node.camera.source import Opened, Shot, Source
from pi_cam_node.camera.worker.messages import (
    Applied,
    Apply,
    Arrived,
    Failed,
    Open,
    Quit,
    Ready,
    Refused,
    Report,
    short,
)
from pi_cam_node.camera.worker.shared_memory import shape_of
from pi_cam_node.imaging.masks import Masks

_log = logging.getLogger(__name__)

# How often an idle source_loop looks for orders that nobody announced.
_LOOK_S = 10.0


class SourceLoop:
    """The owner of the source.

    Thread: `run` one; `order` any.
    """

    def __init__(self, post: Callable[[Report], None]) -> None:
        """Make a source_loop that opens nothing yet.

        Args:
            post: Takes the reports. What it raises ends `run`. The pixels of an `Arrived` are only valid in the call.
        """
        self._post = post
        self._orders: list[Open | Apply | Quit] = []
        self._changed = threading.Condition()
        self._source: Source | None = None
        self._opened: Opened | None = None
        self._masks: Masks | None = None
        self._session = 0

    def order(self, order: Open | Apply | Quit) -> None:
        """Hand over an order; it replaces those that it makes pointless."""
        with self._changed:
            kept = [each for each in self._orders if isinstance(each, Open)] if isinstance(order, Apply) else []
            self._orders = [*kept, order]
            self._changed.notify()

    def run(self) -> None:
        """Work until told to quit."""
        try:
            while not isinstance(order := self._next_order(), Quit):
                if isinstance(order, Open):
                    self._open(order)
                elif isinstance(order, Apply):
                    self._apply(order)
                else:
                    self._read()
        finally:
            self._close()

    def _next_order(self) -> Open | Apply | Quit | None:
        """Return the next order; ``None`` where there is none and a source to be read."""
        with self._changed:
            while not self._orders and self._source is None:
                self._changed.wait(_LOOK_S)
            return self._orders.pop(0) if self._orders else None

    def _open(self, order: Open) -> None:
        self._close()
        self._session = order.session
        try:
            self._source = make(order.camera.source)
            self._opened = self._source.open(order.camera, order.controls)
            shape_of(self._opened.size, self._opened.layout)
            self._masks = Masks(order.masks, self._opened.size, self._opened.layout) if order.masks else None
        except Exception as error:
            self._fail(error)
        else:
            self._post(Ready(order.session, self._opened))

    def _apply(self, order: Apply) -> None:
        if self._source is None:
            return  # whoever opens it again says how
        try:
            self._source.apply(order.controls)
        except Exception as error:
            self._post(Refused(order.generation, order.controls.mode, _reason(error)))
        else:
            self._post(Applied(order.generation))

    def _read(self) -> None:
        if self._source is None or self._opened is None:
            return
        try:
            shot = self._source.read()
            _check(shot, self._opened)
            if self._masks is not None:
                shot = replace(shot, pixels=self._masks.apply(shot.pixels))
        except Exception as error:
            self._fail(error)
        else:
            self._post(Arrived(self._session, shot))

    def _fail(self, error: Exception) -> None:
        self._close()
        self._post(Failed(self._session, _reason(error)))

    def _close(self) -> None:
        source, self._source, self._opened = self._source, None, None
        if source is not None:
            try:
                source.close()
            except Exception:
                _log.exception("the source could not be closed")


def _check(shot: Shot, opened: Opened) -> None:
    """Raise SourceError where an image is not what was announced."""
    pixels, wanted = shot.pixels, shape_of(opened.size, opened.layout)
    if pixels.shape != wanted or pixels.dtype != np.uint8:
        raise SourceError(f"an image of {pixels.dtype} {pixels.shape} came instead of uint8 {wanted}")


def _reason(error: Exception) -> str:
    """Return what went wrong, for people; what nobody foresaw goes to the log with its traceback."""
    if isinstance(error, NodeError):
        return short(without_logins(str(error)))
    _log.error("the source raised what it should not", exc_info=error)
    return short(without_logins(f"{type(error).__name__}: {error}"))
