"""Film for all measurements: uncompressed pictures with the statistics of natural ones, played in a loop.

A fixed texture with the 1/f spectrum of natural images and hard edges, sensor noise that differs in every picture, and
one blob of a person's size that moves through the second half. Full range, as in a camera's JPEG. Node, floor and
motion read the same YUV4MPEG2 file: none of them decodes, each copies I420 pictures into a buffer.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, FPS = 1024, 768, 10
PICTURES = 60
NOISE_SIGMA = 2.0
HEADER = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n".encode()
MARK = b"FRAME\n"
PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2
STEP_BYTES = len(MARK) + PICTURE_BYTES

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


def texture(random: np.random.Generator, power: float) -> Floats:
    """Return noise of mean 0 and deviation 1 whose amplitude decreases with this power of the frequency."""
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = 1
    spectrum = random.normal(size=frequency.shape) + 1j * random.normal(size=frequency.shape)
    image = np.fft.irfft2(spectrum / frequency**power, s=(HEIGHT, WIDTH))
    return np.asarray((image - image.mean()) / image.std(), dtype=np.float32)


def background(random: np.random.Generator) -> Floats:
    """Return the empty scene, as (height, width, 3) in B, G, R order."""
    luma = texture(random, 1.25)
    scene = np.stack([118 + 38 * luma + 10 * texture(random, 1.8) for _ in range(3)], -1).clip(0, 255)
    for _ in range(14):  # walls, windows, poles
        left, top = int(random.integers(0, WIDTH - 80)), int(random.integers(0, HEIGHT - 80))
        width, height = random.integers(20, 220, 2)
        part = scene[top : top + height, left : left + width]
        part[:] = 0.45 * part + 0.55 * random.integers(30, 220, 3)
    return np.asarray(scene, dtype=np.float32)


def picture(scene: Floats, walked: int, random: np.random.Generator, noise_sigma: float) -> bytes:
    """Return one picture as full-range I420; the blob has moved by ``walked`` steps, negative: no blob."""
    seen = scene.copy()
    if walked >= 0:
        centre = (60 + walked * (WIDTH - 120) // (PICTURES // 2), 430)
        cv2.ellipse(seen, centre, (45, 130), 0, 0, 360, (60, 70, 190), cv2.FILLED)
    seen += random.standard_normal(seen.shape, dtype=np.float32) * np.float32(noise_sigma)
    y, red, blue = cv2.split(cv2.cvtColor(seen.clip(0, 255).astype(np.uint8), cv2.COLOR_BGR2YCrCb))
    half = (WIDTH // 2, HEIGHT // 2)
    chroma = (cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (blue, red))
    return b"".join(plane.tobytes() for plane in (y, *chroma))


def make(
    path: Path, noise_sigma: float = NOISE_SIGMA, pictures: int = PICTURES, *, fps: int = FPS, still: bool = False
) -> Path:
    """Write the film unless it exists; return its path.

    Args:
        path: Path of the file.
        noise_sigma: Standard deviation of the sensor's noise, in grey levels; determines the size of JPEGs.
        pictures: Number of pictures.
        fps: Pictures per second, two digits.
        still: Without the moving blob.
    """
    if path.exists():
        return path
    random = np.random.default_rng(7)
    scene = background(random)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as film:
        film.write(HEADER.replace(b" F%d:" % FPS, b" F%d:" % fps))
        for number in range(pictures):
            walked = -1 if still else number - PICTURES // 2
            film.write(MARK + picture(scene, walked, random, noise_sigma))
    unfinished.replace(path)
    return path


def offset(number: int) -> int:
    """Return the offset of a picture's pixels in the file."""
    return len(HEADER) + number * STEP_BYTES + len(MARK)


def planes(pixels: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Return the Y, U and V planes of a picture as views."""
    luma = WIDTH * HEIGHT
    y, u, v = pixels[:luma], pixels[luma : luma * 5 // 4], pixels[luma * 5 // 4 :]
    half = (HEIGHT // 2, WIDTH // 2)
    return y.reshape(HEIGHT, WIDTH), u.reshape(half), v.reshape(half)
