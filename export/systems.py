"""What is measured: the baselines, and models in the runtime that users have.

sRGB uint8 (h, w, 3), of which only the lightness is looked at  ->  the same photograph in the system's colours
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from colorize_neural.worker.color import Float, rgb_in_gamut
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.pixels import lightness

from export.metrics import Rgb, ab_of

SHORT_SIDE = 256  # pixels: at which photographs are measured
TRUTH, GREY, MEAN_AB = "truth", "grey", "mean ab per L"
System = Callable[[Rgb], Rgb]


def baselines(truths: Sequence[Rgb]) -> dict[str, System]:
    """Grey, and the mean ab of each lightness, measured on these very photographs."""
    return {GREY: grey, MEAN_AB: mean_ab_per_lightness(truths)}


def itself(rgb: Rgb) -> Rgb:
    """The truth."""
    return rgb


def grey(rgb: Rgb) -> Rgb:
    """The photograph's lightness alone."""
    return grey_from_lightness(lightness(rgb))


def grey_from_lightness(L: Float) -> Rgb:
    """L (h, w), 0..100 -> the nearest of the 256 greys."""
    return painted(L, np.zeros((*L.shape, 2), np.float32))


def painted(L: Float, ab: Float) -> Rgb:
    """L (h, w) in the colours ab (h, w, 2); those out of gamut lose chroma."""
    return np.rint(np.clip(rgb_in_gamut(L, ab), 0, 1) * 255).astype(np.uint8)


def mean_ab_per_lightness(truths: Sequence[Rgb]) -> System:
    """The table "for each whole L, the mean ab of these photographs", as a system."""
    sums, counts = np.zeros((101, 2)), np.zeros(101)
    for truth in truths:
        level = np.rint(lightness(truth)).astype(np.intp).ravel()
        counts += np.bincount(level, minlength=101)
        for channel, values in enumerate(np.moveaxis(ab_of(truth).reshape(-1, 2), 1, 0)):
            sums[:, channel] += np.bincount(level, values, minlength=101)
    table = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)

    def colour(rgb: Rgb) -> Rgb:
        L = lightness(rgb)
        return painted(L, table[np.rint(L).astype(np.intp)])

    return colour


def model_system(colorizer: Colorizer, options: Options) -> System:
    """A model in the users' own runtime, as a system; ColorizeError where these options cannot be used."""
    colorizer.prepare(options)

    def colour(rgb: Rgb) -> Rgb:
        pixels = grey(rgb)
        colorizer.colorize(pixels, options, lambda _fraction, _text: None)
        return pixels

    return colour


def shrunk(rgb: Rgb, short_side: int = SHORT_SIDE) -> Rgb:
    """The photograph with a shorter side of that many pixels at the most."""
    return resized(rgb, min(short_side, *rgb.shape[:2]))


def resized(rgb: Rgb, short_side: int) -> Rgb:
    """The photograph with a shorter side of that many pixels."""
    h, w = rgb.shape[:2]
    scale = short_side / min(h, w)
    how = cv2.INTER_AREA if scale <= 1 else cv2.INTER_CUBIC
    return cv2.resize(rgb, (round(w * scale), round(h * scale)), interpolation=how)
