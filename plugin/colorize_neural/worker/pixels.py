"""A photograph's pixels: their lightness out, their colours in.

pixels (h, w, 3 or 4), sRGB: uint8, uint16 or float32 0..1  ->  L (h', w'), 0..100, reduced
pixels, colours of any of their rows                         ->  the same array, its RGB coloured, its alpha kept
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from colorize_neural.worker.color import (
    Float,
    lightness_from_linear,
    lightness_from_rgb,
    linear_in_gamut,
    linear_levels,
    srgb_bytes,
    srgb_from_linear,
)
from colorize_neural.worker.cores import cores
from colorize_neural.worker.upsample import Enlarger

Pixels = NDArray[Any]

_MOST_THREADS = 8  # each holds a strip in floating point, some 10 MB
_LONGEST = 8  # sides to one, of what a photograph is reduced to: longer ones are reduced further
_STRIP_PIXELS = 1 << 17  # few enough for a core's cache, many enough to hide Python


def lightness(pixels: Pixels) -> Float:
    """L (h, w) of pixels (h, w, 3 or 4); integers by a table."""
    rgb = pixels[..., :3]
    if rgb.dtype == np.float32:
        return lightness_from_rgb(rgb)
    return lightness_from_linear(cv2.LUT(rgb, linear_levels(np.iinfo(rgb.dtype).max + 1)))


def reduced_lightness(pixels: Pixels, side: int) -> Float:
    """L with a shorter side of at most that, each pixel that of the mean of the pixels it stands for."""
    pixels = _blocks(pixels, side)
    h, w = pixels.shape[:2]
    scale = min(1.0, side / min(h, w), math.sqrt(_LONGEST * side**2 / (h * w)))
    small = cv2.resize(pixels, (math.ceil(w * scale), math.ceil(h * scale)), interpolation=cv2.INTER_AREA)
    return np.clip(np.nan_to_num(lightness(small)), 0, 100)  # a float image can hold anything


def _blocks(pixels: Pixels, side: int) -> Pixels:
    """Squares of pixels by their means, at least `side` each way: much faster than by any other factor.

    Less than a square is left out at the right and below, which stretches the rest by less than one in `side`.
    """
    h, w = pixels.shape[:2]
    block = min(h, w) // side
    if block < 2:
        return pixels
    whole = pixels[: h // block * block, : w // block * block]
    return cv2.resize(whole, (w // block, h // block), interpolation=cv2.INTER_AREA)


def paint(pixels: Pixels, enlarger: Enlarger, threads: int, progress: Callable[[float], None]) -> None:
    """Joins each strip's own lightness with its enlarged ab, on so many threads, 0 for all cores."""
    strips = list(_strips(pixels.shape))
    with ThreadPoolExecutor(threads or min(_MOST_THREADS, cores())) as pool:
        for done, _ in enumerate(pool.map(partial(_paint_strip, pixels, enlarger), strips), 1):
            progress(done / len(strips))


def _paint_strip(pixels: Pixels, enlarger: Enlarger, strip: slice) -> None:
    L = lightness(pixels[strip])
    linear = linear_in_gamut(L, enlarger.rows(strip.start, L))
    pixels[strip, :, :3] = _encoded(linear, pixels.dtype.type)


def _encoded(linear: Float, kind: type[np.generic]) -> Pixels:
    """Linear light 0..1 (h, w, 3) -> sRGB of that type."""
    if kind == np.uint8:
        return cv2.LUT(_levels(linear), srgb_bytes())
    rgb = srgb_from_linear(linear)
    return _levels(rgb) if kind == np.uint16 else rgb


def _levels(values: Float) -> Pixels:
    """0..1 (h, w, 3) -> 0..65535, what lies outside goes to the ends."""
    return cv2.multiply(values.reshape(len(values), -1), 65535.0, dtype=cv2.CV_16U).reshape(values.shape)


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    rows = max(1, _STRIP_PIXELS // shape[1])
    return (slice(top, min(top + rows, shape[0])) for top in range(0, shape[0], rows))
