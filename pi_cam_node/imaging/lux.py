"""Illuminance in lux: as the camera reports it, or estimated from a frame's brightness and exposure.

At night the exposure is fixed and by day it is automatic, so one brightness means different light
in each mode. Illuminance in lux is the same thing in both.
"""

from __future__ import annotations

from pi_cam_node.imaging.frame import Sensor

# Incident-light calibration constant in lux · seconds for ISO 100 (ISO 2720:1974 allows 240 to 400; 250 is usual).
CALIBRATION = 250.0
# Most small lenses, those of the Pi cameras among them, lie between f/1.8 and f/2.8.
F_NUMBER = 2.0
# Mean of a correctly exposed scene, as a share of full scale in linear light.
MID_GREY = 0.18
# Below this a frame is all noise, above it all white: either says nothing about the light.
DARKEST, BRIGHTEST = 1.0, 250.0


def linear(level: float) -> float:
    """Return sRGB-encoded luma (0 to 255) as a share of full scale in linear light.

    Source: IEC 61966-2-1, transfer function of sRGB.
    """
    share = level / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def lux_of(level: float, sensor: Sensor) -> float | None:
    """Return the illuminance of the scene in lux, or ``None`` where the frame does not tell.

    Where the camera reports none, it is estimated. The estimate takes the gain as ISO 100 per unit and assumes an f/2
    lens: right within a factor of two or three, and constant for one camera, which is what a threshold needs.

    Source: ISO 2720:1974, E = C · N² / (t · S), scaled by how far the frame is from mid-grey.

    Args:
        level: Mean luma, 0 to 255.
        sensor: The frame's metadata.
    """
    if sensor.lux is not None:
        return sensor.lux
    if not sensor.exposure_us or not sensor.gain or not DARKEST <= level <= BRIGHTEST:
        return None
    exposure_s, iso = sensor.exposure_us / 1e6, 100 * sensor.gain
    return CALIBRATION * F_NUMBER**2 / (exposure_s * iso) * linear(level) / MID_GREY
