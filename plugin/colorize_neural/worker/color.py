"""sRGB <-> CIE Lab under D50, as ICC, babl and GIMP define it: the only implementation of this project.

Published networks and bins speak Lab under D65, which becomes ours here.

    sRGB 0..1, gamma-encoded, (..., 3)  <->  Lab (..., 3): L 0..100, a and b about -110..110

sRGB is adapted from its own D65 white to D50 by the Bradford method (ICC.1:2022, annex E).
A neutral grey has a = b = 0 exactly, for the rows of the matrix below are divided by their sums, the white point.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

_XYZ_FROM_RGB = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_WHITE_SHARES = _XYZ_FROM_RGB / _XYZ_FROM_RGB.sum(axis=1, keepdims=True)
_FROM_RGB = _WHITE_SHARES.T.astype(np.float32)
TO_RGB = np.linalg.inv(_WHITE_SHARES).T.astype(np.float32)

D65, D50 = np.array([0.95047, 1.0, 1.08883]), np.array([0.96422, 1.0, 0.82521])  # XYZ
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_GAINS = np.diag((_BRADFORD @ D50) / (_BRADFORD @ D65))
# from X/Xn, Y/Yn and Z/Zn under D65 to those under D50: (3, 3), each row sums to 1
D50_FROM_D65 = (np.linalg.inv(_BRADFORD) @ _GAINS @ _BRADFORD * D65 / D50[:, None]).astype(np.float32)

_EPSILON = 216 / 24389  # CIE 15:2004, where the cube root gives way to a straight line
_KAPPA = 24389 / 27
_GAMUT_STEPS = 10  # halvings: chroma is at most 1/1024 of itself under the gamut's edge
_GAMUT_SLACK = 1e-5


def linear_from_srgb(rgb: Float) -> Float:
    """Undoes the sRGB transfer curve (IEC 61966-2-1), any shape; values under 0 keep the straight part."""
    bent = ((np.maximum(rgb, 0) + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(rgb <= np.float32(0.04045), rgb / np.float32(12.92), bent)


def srgb_from_linear(linear: Float) -> Float:
    """Applies the sRGB transfer curve (IEC 61966-2-1), any shape; values under 0 keep the straight part."""
    bent = np.float32(1.055) * np.maximum(linear, 0) ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(linear <= np.float32(0.0031308), linear * np.float32(12.92), bent)


def lab_from_rgb(rgb: Float) -> Float:
    """sRGB 0..1 (..., 3) -> Lab (..., 3)."""
    return _lab_from_shares(linear_from_srgb(rgb) @ _FROM_RGB)


def rgb_from_lab(lab: Float) -> Float:
    """Lab (..., 3) -> sRGB (..., 3), not clipped: colours out of the gamut leave 0..1."""
    return srgb_from_linear(_linear_from_lab(lab))


def lightness_from_rgb(rgb: Float) -> Float:
    """sRGB 0..1 (..., 3) -> L (...), 0..100."""
    return lightness_from_luminance(linear_from_srgb(rgb) @ _FROM_RGB[:, 1])


def lightness_from_luminance(luminance: Float) -> Float:
    """Relative luminance Y 0..1, any shape -> L 0..100."""
    return 116 * _curve(luminance) - 16


@cache
def lightness_of_greys(steps: int) -> Float:
    """L of the `steps` integer greys (256 or 65,536): (steps,)."""
    greys = (np.arange(steps) / (steps - 1)).astype(np.float32)
    return lightness_from_luminance(linear_from_srgb(greys))


def rgb_in_gamut(L: Float, ab: Float) -> Float:
    """L (h, w) and ab (h, w, 2) -> sRGB 0..1 (h, w, 3); colours out of gamut lose chroma, never lightness or hue.

    An L outside 0..100 gives a grey outside 0..1.
    """
    lab = np.concatenate([L[..., None], ab], axis=-1)
    linear = _linear_from_lab(lab)
    outside = _is_outside(linear)
    if outside.any():
        linear[outside] = _linear_from_lab(_less_chroma(lab[outside]))
    return srgb_from_linear(linear)


def ab_under_d50(L: Float, ab: Float) -> Float:
    """L (...) and ab (..., 2) under D65 -> ab (..., 2) under D50: neutral stays neutral.

    That the L of other colours changes is left out: the photograph keeps its own.
    """
    shares = _shares_from_lab(np.concatenate([L[..., None], ab], axis=-1)) @ D50_FROM_D65.T
    return _lab_from_shares(shares)[..., 1:]


def _lab_from_shares(shares: Float) -> Float:
    """X, Y and Z as shares of the white's (..., 3) -> Lab (..., 3)."""
    fx, fy, fz = np.moveaxis(_curve(shares), -1, 0)
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)


def _less_chroma(lab: Float) -> Float:
    """The same L and hue with the largest chroma inside the gamut, by bisection: (n, 3) -> (n, 3)."""
    inside, outside = np.zeros(len(lab), np.float32), np.ones(len(lab), np.float32)
    for _ in range(_GAMUT_STEPS):
        middle = (inside + outside) / 2
        beyond = _is_outside(_linear_from_lab(_scaled(lab, middle)))
        inside, outside = np.where(beyond, inside, middle), np.where(beyond, middle, outside)
    return _scaled(lab, inside)


def _scaled(lab: Float, chroma: Float) -> Float:
    return np.concatenate([lab[:, :1], lab[:, 1:] * chroma[:, None]], axis=1)


def _is_outside(linear: Float) -> NDArray[np.bool_]:
    return np.any((linear < -_GAMUT_SLACK) | (linear > 1 + _GAMUT_SLACK), axis=-1)


def _linear_from_lab(lab: Float) -> Float:
    return _shares_from_lab(lab) @ TO_RGB


def _shares_from_lab(lab: Float) -> Float:
    """Lab (..., 3) -> X/Xn, Y/Yn and Z/Zn (..., 3), under the same white."""
    L, a, b = np.moveaxis(lab, -1, 0)
    fy = (L + 16) / 116
    return _uncurve(np.stack([fy + a / 500, fy, fy - b / 200], axis=-1))


def _curve(shares: Float) -> Float:
    """CIE's f: X/Xn, Y/Yn or Z/Zn -> its place on the lightness curve."""
    return np.where(shares > _EPSILON, np.cbrt(shares), (np.float32(_KAPPA) * shares + 16) / 116)


def _uncurve(places: Float) -> Float:
    """The inverse of `_curve`."""
    cubes = places**3
    return np.where(cubes > _EPSILON, cubes, (116 * places - 16) / np.float32(_KAPPA))
