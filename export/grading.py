"""The styles that photographs can be graded to before a network learns from them.

Lab (h, w, 3)  ->  Lab (h, w, 3) of the same L: the lightness that a network sees, and that a user keeps, has no style
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from colorize_neural.worker.color import Float


@dataclass(frozen=True)
class Style:
    """Split toning: ab times the saturation, plus a tint that goes from that of the shadows to that of the lights."""

    saturation: float
    shadows: tuple[float, float]  # ab, Lab units, at its strongest
    lights: tuple[float, float]


STYLES = {
    "none": Style(1.0, (0.0, 0.0), (0.0, 0.0)),
    "bronze": Style(0.35, (10.0, 16.0), (8.0, 34.0)),  # brown metal: warm from end to end, little else
    "retro": Style(0.65, (-10.0, -20.0), (8.0, 36.0)),  # a faded print: teal shadows, yellow lights
    "bright": Style(1.6, (0.0, -4.0), (0.0, 6.0)),  # a postcard: all colours stronger, shadows a little cooler
}


def graded(lab: Float, style: Style) -> Float:
    """The tint fades out towards black and white, which can carry no colour."""
    light = lab[..., :1] / np.float32(100)
    shadows, lights = (np.array(tint, np.float32) for tint in (style.shadows, style.lights))
    tint = 4 * light * (1 - light) * (shadows * (1 - light) + lights * light)
    return np.concatenate([lab[..., :1], np.float32(style.saturation) * lab[..., 1:] + tint], axis=-1)
