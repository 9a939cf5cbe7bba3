"""A photograph's pixels: their lightness out, their colours in.

pixels (h, w, 3 or 4), C-contiguous, sRGB: uint8, uint16 or float32 0..1  ->  L (h', w'), 0..100, reduced
pixels, colours of any of their rows                         ->  the same array, its RGB coloured, its alpha kept
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from colorize_neural.worker.color import (
    Float,
    is_outside,
    lightness_from_place,
    linear_from_srgb,
    linear_levels,
    linear_planes,
    looked_up_together,
    luminance_from_linear,
    luminance_levels,
    place_from_share,
    place_levels,
    places_of_luminances,
    share_from_place,
    srgb_bytes,
    srgb_from_linear,
    with_less_chroma,
)
from colorize_neural.worker.cores import cores, on_threads
from colorize_neural.worker.framing import Size
from colorize_neural.worker.upsample import Enlarger

Pixels = NDArray[Any]

_MOST_THREADS = 8  # each holds a piece in floating point, and what of its strip is out of the gamut: 10 to 30 MB
_MOST_LEFT = 4  # times as many pixels as wanted: halving leaves no more of most photographs
_LEAST, _MOST = 1 << 18, 1 << 19  # pixels of a strip: for less, a second thread comes too late
_PIECE = 1 << 17  # pixels, few enough for a core's cache, many enough to hide Python


def lightness(pixels: Pixels) -> Float:
    """L (h, w), 0..100, of pixels (h, w, 3 or 4)."""
    return lightness_from_place(_light(pixels)[0])


def _light(pixels: Pixels) -> tuple[Float, Float]:
    """y and its Y, 0..1, (h, w) each, of pixels (h, w, 3 or 4); of 8 bits and of greys by tables."""
    rgb = pixels if pixels.shape[2] == 3 else cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
    if rgb.dtype == np.float32:
        linear = linear_from_srgb(rgb)
    else:
        steps = np.iinfo(rgb.dtype).max + 1
        red, green, blue = cv2.split(rgb)
        if _are_equal(red, green) and _are_equal(red, blue):
            return cv2.LUT(red, place_levels(steps)), cv2.LUT(red, linear_levels(steps))
        if rgb.dtype == np.uint8:
            of_red, of_green, of_blue = map(cv2.LUT, (red, green, blue), luminance_levels())
            luminances = cv2.add(cv2.add(of_red, of_green), of_blue)
            places, shares = places_of_luminances()
            return cv2.LUT(luminances, places), cv2.LUT(luminances, shares)
        linear = cv2.LUT(rgb, linear_levels(steps))
    y = place_from_share(luminance_from_linear(linear))
    return y, share_from_place(y)  # found from y again, so that a grey stays one


def _are_equal(one: Pixels, other: Pixels) -> bool:
    """Whether both channels (h, w) are the same."""
    return not cv2.norm(one, other, cv2.NORM_INF)


def reduced_lightness(pixels: Pixels, size: Size) -> Float:
    """L (h, w) of that size, not larger than the photograph, each pixel a mean of those it stands for."""
    height, width = size
    while pixels.shape[0] >= 2 * height and pixels.shape[1] >= 2 * width:
        pixels = _halved(pixels)
    if pixels.shape[0] * pixels.shape[1] > _MOST_LEFT * height * width:  # slender ones, squeezed
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    L = cv2.resize(lightness(pixels), (width, height), interpolation=cv2.INTER_AREA)
    if pixels.dtype == np.float32:  # which can hold anything
        L = np.clip(np.nan_to_num(L), 0, 100)
    return L


def _halved(pixels: Pixels) -> Pixels:
    """Squares of four pixels by their means, much faster than by any other number.

    An odd last row or column is left out: all of them together stretch the rest by less than one pixel of the result.
    """
    h, w = (length // 2 for length in pixels.shape[:2])
    return cv2.resize(pixels[: 2 * h, : 2 * w], (w, h), interpolation=cv2.INTER_AREA)


def scaled(values: NDArray[Any], size: Size) -> NDArray[Any]:
    """Values (h, w) or (h, w, channels) at another (height, width): area averaging to shrink, bilinear to enlarge."""
    if values.shape == size:
        return values
    shrinks = size[0] <= values.shape[0] and size[1] <= values.shape[1]
    return cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def paint(pixels: Pixels, enlarger: Enlarger, threads: int, progress: Callable[[float], None]) -> None:
    """Joins each strip's own lightness with its enlarged ab, on so many threads, 0 for all cores."""
    height, width = pixels.shape[:2]
    threads = threads or min(_MOST_THREADS, cores())
    strips = _parts(range(height), width, min(_MOST, max(_LEAST, height * width // threads)))
    for done, _ in enumerate(on_threads(min(threads, len(strips)), partial(_paint_strip, pixels, enlarger), strips), 1):
        progress(done / len(strips))


def _paint_strip(pixels: Pixels, enlarger: Enlarger, strip: range) -> None:
    """Piece by piece; what is out of the gamut, of all pieces at once."""
    width, channels = pixels.shape[1:]
    outside = [_paint_piece(pixels, enlarger, piece) for piece in _parts(strip, width, _PIECE)]
    kind, flat = pixels.dtype.type, pixels.reshape(-1, channels)
    places, *colours = (np.concatenate(values) for values in zip(*outside, strict=True))
    for some in looked_up_together(len(places)):
        linear = with_less_chroma(*(values[some] for values in colours))
        flat[places[some], :3] = _encoded(linear * np.float32(_white(kind)), kind)


def _paint_piece(pixels: Pixels, enlarger: Enlarger, piece: range) -> tuple[NDArray[Any], ...]:
    """-> which pixels, counted row by row, are out of the gamut, and their x, y, z and Y, (n,) each."""
    of_piece, kind = pixels[piece.start : piece.stop], pixels.dtype.type
    y, Y = _light(of_piece)
    x, z = enlarger.rows(piece.start, y)
    outside, planes = np.zeros(y.shape, bool), []
    for plane in linear_planes(x, Y, z, _white(kind)):
        outside |= is_outside(plane, _white(kind))
        planes.append(_encoded(plane, kind))
    if pixels.shape[2] == 3:
        cv2.merge(planes, of_piece)
    else:  # much faster than to assign them beside the alpha
        cv2.mixChannels(planes, [of_piece], [0, 0, 1, 1, 2, 2])
    places = np.flatnonzero(outside)
    return places + piece.start * pixels.shape[1], *(values.take(places) for values in (x, y, z, Y))


def _white(kind: type[np.generic]) -> float:
    """What `_encoded` wants all light to be: 8 bits are looked up, by 16 bits."""
    return 65535.0 if kind == np.uint8 else 1.0


def _encoded(linear: Float, kind: type[np.generic]) -> Pixels:
    """Linear light 0..`_white`, any shape -> sRGB of that type."""
    if kind == np.uint8:
        with np.errstate(invalid="ignore"):  # what is out of the gamut becomes anything, and is painted once more
            # cut, not rounded, in a third of the time: 1e-5 above the white is not yet the next number
            return cv2.LUT(linear.astype(np.uint16), srgb_bytes())
    rgb = srgb_from_linear(linear)
    if kind == np.uint16:
        return cv2.addWeighted(rgb, 65535.0, rgb, 0.0, 0.0, dtype=cv2.CV_16U)  # it saturates
    return rgb


def _parts(rows: range, width: int, most: int) -> list[range]:
    """Rows that are painted together: one, or as many as have not more than so many pixels."""
    height = max(1, most // width)
    return [rows[top : top + height] for top in range(0, len(rows), height)]
