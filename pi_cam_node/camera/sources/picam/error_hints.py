"""Error messages of a Pi camera, with advice."""

from __future__ import annotations

import errno
from collections.abc import Iterator

# A word of the message, and the advice. picamera2 raises RuntimeError for nearly everything: only the text differs.
_ADVICE = (
    ("resource busy", "another program uses the camera; stop it, then this one gets it"),
    ("in use by another process", "another program uses the camera; stop it, then this one gets it"),
    ("cannot allocate memory", "the camera's memory (CMA) is short: lower camera.width and camera.height"),
    ("permission denied", "the user may not open the camera: add it to the group video"),
    ("could not open any dmaheap", "the user may not open /dev/dma_heap: add it to the group video"),
    ("failed to start cameramanager", "this system has no camera devices (in a container: pass them in)"),
    ("no camera number", "the camera is gone: try `rpicam-hello --list-cameras`"),
    ("list index out of range", "the camera is gone: try `rpicam-hello --list-cameras`"),
)


def explain(error: BaseException) -> str:
    """Return the deepest message of an error and the advice that fits, in one line."""
    chain = list(_causes(error))
    texts = [str(each) or type(each).__name__ for each in chain]
    if any(isinstance(each, OSError) and each.errno == errno.ENOMEM for each in chain):
        texts.append("Cannot allocate memory")
    message = " ".join(texts).lower()
    advice = next((advice for word, advice in _ADVICE if word in message), None)
    return texts[len(chain) - 1] + (f" ({advice})" if advice else "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it was raised from, the first cause last."""
    while error is not None:
        yield error
        error = error.__cause__
