"""sRGB <-> CIE Lab under D50, as ICC, babl and GIMP define it: the only implementation of this project.

Published networks and bins speak Lab under D65, which becomes ours here.

    sRGB 0..1, gamma-encoded, (..., 3)  <->  Lab (..., 3): L 0..100, a and b about -110..110

sRGB is adapted from its own D65 white to D50 by the Bradford method (ICC.1:2022, annex E).
A neutral grey has a = b = 0, to rounding, for the rows of the matrix below are divided by their sums, the white point.

In between lie x, y and z, the places of X/Xn, Y/Yn and Z/Zn on CIE's lightness curve, of which L, a and b are made:
L = 116 y - 16, a = 500 (x - y), b = 200 (y - z). Greys have x = y = z, black has 16 / 116.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

_XYZ_FROM_RGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_WHITE_SHARES = _XYZ_FROM_RGB / _XYZ_FROM_RGB.sum(axis=1, keepdims=True)
FROM_RGB = _WHITE_SHARES.astype(np.float32)
TO_RGB = np.linalg.inv(_WHITE_SHARES).astype(np.float32)

D65, D50 = np.array([0.95047, 1.0, 1.08883]), np.array([0.96422, 1.0, 0.82521])  # XYZ
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_GAINS = np.diag((_BRADFORD @ D50) / (_BRADFORD @ D65))
# from X/Xn, Y/Yn and Z/Zn under D65 to those under D50: (3, 3), each row sums to 1
D50_FROM_D65 = (np.linalg.inv(_BRADFORD) @ _GAINS @ _BRADFORD * D65 / D50[:, None]).astype(np.float32)

_EPSILON = 216 / 24389  # CIE 15:2004, where the cube root gives way to a straight line, its tangent
_CURVE_SLOPE = 24389 / 27 / 116
_PLACE = 6 / 29  # the cube root of _EPSILON
_LINEAR_KNEE, _SRGB_KNEE, _SRGB_SLOPE = 0.0031308, 0.04045, 12.92  # IEC 61966-2-1, where its curve begins
# L, a and b -> the places of X, Y and Z on CIE's curve
_PLACES = np.array([[1 / 116, 1 / 500, 0, 16 / 116], [1 / 116, 0, 0, 16 / 116], [1 / 116, 0, -1 / 200, 16 / 116]])
_LAB = np.array([[0, 116, 0, -16], [500, -500, 0, 0], [0, 200, -200, 0]])
_GAMUT_SLACK = 1e-5
_BLACK = np.float32(16 / 116)  # its place
_MOST_CHROMA, _CHROMA_STEP = 200, 0.005  # Lab units: more than any colour of sRGB has, and what is near enough
_MOST_LOOKED_UP = 1 << 14  # pixels; OpenCV looks up 32,766 at most


def linear_from_srgb(rgb: Float) -> Float:
    """Undoes the sRGB transfer curve (IEC 61966-2-1), any shape; values under 0 keep the straight part."""
    bent = _at_least(_SRGB_KNEE, rgb)
    return ((bent + 0.055) / 1.055) ** 2.4 + (rgb - bent) / _SRGB_SLOPE


def srgb_from_linear(linear: Float) -> Float:
    """Applies the sRGB transfer curve (IEC 61966-2-1), any shape; values under 0 keep the straight part."""
    bent = _at_least(_LINEAR_KNEE, linear)
    return 1.055 * bent ** (1 / 2.4) - 0.055 + (linear - bent) * _SRGB_SLOPE


def lab_from_rgb(rgb: Float) -> Float:
    """sRGB 0..1 (..., 3) -> Lab (..., 3)."""
    return _lab_from_shares(_transformed(linear_from_srgb(rgb), FROM_RGB))


def rgb_from_lab(lab: Float) -> Float:
    """Lab (..., 3) -> sRGB (..., 3), not clipped: colours out of the gamut leave 0..1."""
    return srgb_from_linear(_transformed(share_from_place(_transformed(lab, _PLACES)), TO_RGB))


def luminance_from_linear(linear: Float) -> Float:
    """Linear light of sRGB's primaries 0..1 (..., 3) -> Y (...), a share of the white's."""
    return _transformed(linear, FROM_RGB[1:2])[..., 0]


def place_from_share(shares: Float) -> Float:
    """CIE's f: X/Xn, Y/Yn or Z/Zn, any shape -> its place on the lightness curve."""
    bent = _at_least(_EPSILON, shares)
    return np.cbrt(bent) + (shares - bent) * _CURVE_SLOPE


def share_from_place(places: Float) -> Float:
    """The inverse of `place_from_share`; ValueError where there are no places."""
    flat = places.reshape(1, -1)  # of one channel
    shares = cv2.pow(flat, 3)
    if not places.min() >= _PLACE:  # the darkest of most photographs; the least of what is no number is none
        straight = cv2.addWeighted(flat, 1 / _CURVE_SLOPE, flat, 0, -_BLACK / _CURVE_SLOPE)
        cv2.copyTo(straight, (flat < _PLACE).view(np.uint8), shares)
    return shares.reshape(places.shape)


def lightness_from_place(y: Float) -> Float:
    """y -> L of that shape, 0..100; at black, 16 subtracted would leave a rounding below 0."""
    return 116 * (y - place_from_share(np.zeros(1, np.float32)))


@cache
def srgb_bytes() -> NDArray[np.uint8]:
    """The sRGB of linear light that was cut to 16 bits, where the first level takes ten steps: (65536,)."""
    return np.rint(255 * srgb_from_linear(_middles())).astype(np.uint8)


@cache
def linear_levels(steps: int) -> Float:
    """The linear light of `steps` integer levels of sRGB (256 or 65,536), the Y of their greys: (steps,)."""
    return linear_from_srgb((np.arange(steps) / (steps - 1)).astype(np.float32))


@cache
def place_levels(steps: int) -> Float:
    """The y of the greys of these levels: (steps,)."""
    return place_from_share(linear_levels(steps))


@cache
def luminance_levels() -> NDArray[np.uint16]:
    """What each 8-bit level of red, of green and of blue adds to Y, in 65,535 steps: (3, 256)."""
    return np.rint(65535 * FROM_RGB[1][:, None] * linear_levels(256)).astype(np.uint16)


@cache
def places_of_luminances() -> tuple[Float, Float]:
    """The y of Y in 65,535 steps, up to 0.00012 apart, and the Y of that y: (65536,) each."""
    places = place_from_share(_middles())
    return places, share_from_place(places)


def _middles() -> Float:
    """Half a step above each of 65,535: far from where a rounding would change the number to which it is cut."""
    return (np.arange(65536, dtype=np.float32) + 0.5) / 65535


def rgb_in_gamut(L: Float, ab: Float) -> Float:
    """L (h, w) and ab (h, w, 2) -> sRGB 0..1 (h, w, 3), gamma-encoded; out of the gamut as `with_less_chroma` says."""
    a, b = cv2.split(ab)
    y = L / 116 + _BLACK
    x, z, Y = y + a / 500, y - b / 200, share_from_place(y)
    planes = list(linear_planes(x, Y, z))
    linear, outside = cv2.merge(planes), np.flatnonzero(sum(map(is_outside, planes)))
    for some in looked_up_together(len(outside)):
        places = outside[some]
        linear.reshape(-1, 3)[places] = with_less_chroma(*(values.take(places) for values in (x, y, z, Y)))
    return srgb_from_linear(linear)


def linear_planes(x: Float, Y: Float, z: Float, white: float = 1.0) -> Iterator[Float]:
    """Red, green and blue, each linear light (h, w) of which `white` is all, of x, Y and z, (h, w) each and not empty.

    One after the other, for each should be used while it is in the processor's cache.
    """
    X, Z = share_from_place(x), share_from_place(z)
    for of_X, of_Y, of_Z in (TO_RGB * np.float32(white)).tolist():
        plane = cv2.addWeighted(X, of_X, Z, of_Z, 0)
        yield cv2.scaleAdd(Y, of_Y, plane, plane)


def is_outside(plane: Float, white: float = 1.0) -> NDArray[np.bool_]:
    """Where a plane, float32 (h, w), is out of the gamut: below 0 or, by more than a rounding, above `white`.

    In one comparison: the bits of floating-point numbers are in their order, the negative ones beyond the others.
    """
    return plane.view(np.uint32) > np.float32(white * (1 + _GAMUT_SLACK)).view(np.uint32)


def looked_up_together(count: int) -> Iterator[slice]:
    """So many pixels, by as many as `with_less_chroma` takes."""
    return (slice(start, start + _MOST_LOOKED_UP) for start in range(0, count, _MOST_LOOKED_UP))


def with_less_chroma(x: Float, y: Float, z: Float, Y: Float) -> Float:
    """Linear light 0..1 (n, 3), inside the gamut, of places outside it and of the Y of their y, (n,) each.

    As much chroma is lost as must be, never lightness or hue. A Y outside 0..1 gives a grey outside 0..1.
    """
    linear = np.repeat(Y[:, None], 3, axis=1)
    coloured = (Y > _GAMUT_SLACK) & (Y < 1)  # the borders of scans are often black or white
    if coloured.any():
        linear[coloured] = _with_less_chroma(*(values[None, coloured] for values in (x, y, z, Y)))[0]
    return linear


def ab_under_d50(L: Float, ab: Float) -> Float:
    """L (...) and ab (..., 2) under D65 -> ab (..., 2) under D50: neutral stays neutral.

    That the L of other colours changes is left out: the photograph keeps its own.
    """
    places = _transformed(np.concatenate([L[..., None], ab], axis=-1), _PLACES)
    return _lab_from_shares(_transformed(share_from_place(places), D50_FROM_D65))[..., 1:]


def _with_less_chroma(x: Float, y: Float, z: Float, Y: Float) -> Float:
    """The largest chroma by a table, then, for the little that this is off, straight towards the grey of the same Y.

    x, y, z and Y (1, n), not more than _MOST_LOOKED_UP -> linear light 0..1 (1, n, 3)
    """
    limits = _chroma_limits()
    to_x, to_z = x - y, z - y
    a, b = 500 * to_x, -200 * to_z
    rows, columns = (length - 1 for length in limits.shape)
    row, column = (116 * y - 16) * (rows / 100), (np.arctan2(b, a) / np.pi + 1) * (columns / 2)
    limit = cv2.remap(limits, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = np.minimum(limit / np.maximum(np.hypot(a, b), _CHROMA_STEP), 1)
    red, green, blue = linear_planes(y + share * to_x, Y, y + share * to_z)
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    over = np.maximum(1, np.maximum((most - Y) / (1 - Y + 1e-7), (Y - least) / (Y + 1e-7)))
    return cv2.merge([np.clip(Y + (plane - Y) / over, 0, 1) for plane in (red, green, blue)])


@cache
def _chroma_limits() -> Float:
    """The largest chroma inside the gamut, Lab units, by L 0..100 (rows) and hue -pi..pi (columns); by bisection.

    Between its places a limit is a few thousandths of a Lab unit off in the mean.
    """
    L, hue = np.float32(np.linspace(0, 100, 129)[:, None]), np.linspace(-np.pi, np.pi, 721)
    y = np.repeat(L / 116 + _BLACK, len(hue), axis=1)
    Y, to_x, to_z = share_from_place(y), np.float32(np.cos(hue) / 500), np.float32(np.sin(hue) / -200)
    step = np.float32(_MOST_CHROMA / 2)
    chroma = np.full_like(y, step)
    while step > _CHROMA_STEP:
        step /= 2
        outside = sum(map(is_outside, linear_planes(y + chroma * to_x, Y, y + chroma * to_z)))
        chroma += np.where(outside, -step, step)
    return chroma - step


def _lab_from_shares(shares: Float) -> Float:
    """X, Y and Z as shares of the white's (..., 3) -> Lab (..., 3)."""
    return _transformed(place_from_share(shares), _LAB)


def _at_least(limit: float, values: Float) -> Float:
    """By `clip`, which is faster than `maximum`."""
    return values.clip(limit, np.inf)


def _transformed(values: Float, matrix: Float) -> Float:
    """Each vector (..., 3) times a matrix (n, 3), or (n, 4) whose last column is added -> (..., n)."""
    columns = np.ascontiguousarray(values).reshape(-1, 1, 3)
    return cv2.transform(columns, matrix).reshape(*values.shape[:-1], len(matrix))
