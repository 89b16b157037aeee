"""Combines several frames into one picture, in memory that does not grow with their number.

Frames come as JPEG and are decoded one at a time, since keeping them decoded is what takes the
memory: 64 frames of 1024 x 768 are 144 MiB. ``mean`` and ``max`` decode each frame once. ``median``
and ``sigma_clip`` need all values of a pixel side by side; they work in bands of rows and decode
every frame once per band.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from pi_cam_node.base.errors import BadRequest
from pi_cam_node.base.frozen import frozen
from pi_cam_node.base.threads import Progress
from pi_cam_node.imaging import jpeg
from pi_cam_node.imaging.jpeg import Pixels
from pi_cam_node.imaging.tasks import STACK_MAX, Method

# Memory for the values of one band, or this many frames where that is more.
BAND_BYTES = 12 << 20
BAND_FRAMES = 4
# Bytes per value that the arithmetic of a method takes beside the values themselves.
_MEDIAN_BYTES, _CLIP_BYTES = 4, 32
# Values further from their median than this many standard deviations have no part in the mean.
KAPPA = 2.0


@frozen
class Stacked:
    """The combined picture, and the frames used for it.

    Attributes:
        pixels: (height, width, 3) uint8 in B, G, R order.
        used: Positions of the frames that it was made of, in the sequence given.
    """

    pixels: Pixels
    used: tuple[int, ...]


def stack(
    frames: Sequence[bytes],
    method: Method,
    progress: Progress = lambda _done, _total: None,
    decode: Callable[[bytes], Pixels] = jpeg.decode,
) -> Stacked:
    """Make one picture of several frames of the same scene.

    - ``mean`` lowers noise by 10·log10(n) dB; something that moves leaves a faint trace.
    - ``median`` forgets what only a minority of the frames saw, and lowers noise 2 dB less.
    - ``sigma_clip`` is a mean without the values that lie more than `KAPPA` standard deviations from
      their median: it forgets as well, and lowers noise 1 dB less than the mean. A value seen by k
      of n frames lies n / sqrt(k · (n - k)) >= 2 deviations from that of the others, so a minority is
      told apart at any n from 3.
    - ``max`` is the brightest value of each pixel: star trails, lightning.

    Memory, beside the frames given: that of three decoded ones for ``mean`` and ``max``; for ``median`` and
    ``sigma_clip`` that of three and the larger of `BAND_BYTES` and `BAND_FRAMES` frames.

    Args:
        frames: At least one and at most `STACK_MAX`, the newest last. Those of another size than
            the newest are left out.
        method: Kind of combination.
        progress: Called after each decoding.
        decode: Returns a frame as (height, width, 3) uint8. Called again for each run through the frames.

    Raises:
        BadRequest: More frames than `STACK_MAX`, or none.
    """
    if not 1 <= len(frames) <= STACK_MAX:
        raise BadRequest(f"a stack is made of 1 to {STACK_MAX} frames, not {len(frames)}")
    sequence = _FrameSequence(frames, decode, progress)
    pixels = (
        _in_one_pass(sequence, method) if method in ("mean", "max") else _in_bands(sequence, method == "sigma_clip")
    )
    return Stacked(pixels, tuple(sorted(sequence.used)))


class _FrameSequence:
    """The frames, to be run through several times; the newest first, because it decides about the size.

    Attributes:
        used: Positions of the frames that fit, as far as is known.
        passes: Number of passes through the frames.
    """

    def __init__(self, frames: Sequence[bytes], decode: Callable[[bytes], Pixels], progress: Progress) -> None:
        self._frames = frames
        self._decode = decode
        self._progress = progress
        self._decoded = 0
        self._shape: tuple[int, ...] | None = None
        self.used: list[int] = list(reversed(range(len(frames))))
        self.passes = 1

    def shape(self) -> tuple[int, ...]:
        """Return the newest frame's height, width and channels."""
        return self._decode(self._frames[-1]).shape

    def run(self) -> Iterator[Pixels]:
        """Yield the frames that fit, decoded, one at a time."""
        for position in tuple(self.used):
            pixels = self._decode(self._frames[position])
            self._decoded += 1
            self._progress(self._decoded, self.passes * len(self.used))
            self._shape = self._shape or pixels.shape
            if pixels.shape == self._shape:
                yield pixels
            else:
                self.used.remove(position)
                self._decoded -= 1
            del pixels  # before the next one is decoded; those who run through do the same


def _in_one_pass(sequence: _FrameSequence, method: Method) -> Pixels:
    """Add up, or take the larger, in place; numpy's ``+=`` into 16 bits is the fastest sum there is."""
    run = sequence.run()
    first = next(run)
    if method == "max":
        brightest = first.copy()
        del first
        for pixels in run:
            np.maximum(brightest, pixels, out=brightest)
            del pixels
        return brightest
    total = first.astype(np.uint16)
    del first
    for pixels in run:
        total += pixels
        del pixels
    return _divided(total, len(sequence.used))


def _divided(total: npt.NDArray[np.uint16], count: int | npt.NDArray[np.uint16]) -> Pixels:
    """Return total / count, rounded: cutting off would darken the picture by half a level."""
    total += count // 2
    total //= count
    return total.astype(np.uint8)


def _in_bands(sequence: _FrameSequence, clip: bool) -> Pixels:
    """Work through the picture in bands of rows, each narrow enough for all frames' values of it."""
    shape = sequence.shape()
    row_bytes = prod(shape[1:])
    budget = max(BAND_BYTES, BAND_FRAMES * shape[0] * row_bytes)
    per_value = len(sequence.used) + (_CLIP_BYTES if clip else _MEDIAN_BYTES)
    height = min(shape[0], max(1, budget // (per_value * row_bytes)))
    starts = range(0, shape[0], height)
    sequence.passes = len(starts)
    out = np.empty(shape, np.uint8)
    for start in starts:
        band = slice(start, start + height)
        out[band] = _combined([pixels[band].copy() for pixels in sequence.run()], clip)
    return out


def _combined(rows: list[Pixels], clip: bool) -> Pixels:
    _sort(rows)
    return _clipped_mean(rows) if clip else _median(rows)


def _sort(rows: list[Pixels]) -> None:
    """Sort the values of each pixel: afterwards ``rows[0]`` holds the least ones.

    A sorting network of whole-array minima and maxima is an order of magnitude faster than numpy's
    sort along the first axis.
    """
    spare = np.empty_like(rows[0])
    for low, high in _comparators(len(rows)):
        np.minimum(rows[low], rows[high], out=spare)
        np.maximum(rows[low], rows[high], out=rows[high])
        rows[low], spare = spare, rows[low]


def _comparators(count: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs that Batcher's odd-even merge sort compares (Knuth, volume 3, algorithm 5.2.2M)."""
    block = 1
    while block < count:
        distance = block
        while distance:
            for start in range(distance % block, count - distance, 2 * distance):
                for low in range(start, start + min(distance, count - distance - start)):
                    if low // (2 * block) == (low + distance) // (2 * block):
                        yield low, low + distance
            distance //= 2
        block *= 2


def _twice_median(rows: Sequence[Pixels]) -> npt.NDArray[np.uint16]:
    """Return the sum of the two middle values, or twice the middle one."""
    return rows[(len(rows) - 1) // 2].astype(np.uint16) + rows[len(rows) // 2]


def _median(rows: Sequence[Pixels]) -> Pixels:
    return _divided(_twice_median(rows), 2)


def _clipped_mean(rows: Sequence[Pixels]) -> Pixels:
    """Return the mean of the values within `KAPPA` deviations of the median; some always are."""
    low, high = _bounds(rows)
    total, count = np.zeros(low.shape, np.uint16), np.zeros(low.shape, np.uint16)
    for row in rows:
        inside = (row >= low) & (row <= high)
        count += inside
        total += row * inside
    return _divided(total, count)


def _bounds(rows: Sequence[Pixels]) -> tuple[Pixels, Pixels]:
    """Return the least and the largest value of each pixel that is not too far from its median."""
    count = len(rows)
    total, squares = np.zeros(rows[0].shape, np.uint32), np.zeros(rows[0].shape, np.uint32)
    for row in rows:
        total += row
        squares += np.multiply(row, row, dtype=np.uint16)
    # n² times the variance as whole numbers: n · Σx² - (Σx)² stays below 2³² for n up to 256.
    squares *= np.uint32(count)
    total *= total
    squares -= total
    reach = np.sqrt(squares, dtype=np.float32)
    reach *= KAPPA / count
    reach += 1e-3  # a value exactly on the bound is inside, whatever the last bit says
    middle = _twice_median(rows).astype(np.float32)
    middle *= 0.5
    low = np.ceil(middle - reach).clip(0, 255).astype(np.uint8)
    return low, np.floor(middle + reach).clip(0, 255).astype(np.uint8)
