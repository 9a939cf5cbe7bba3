"""Small ab -> full-size ab, guided by the photograph's own lightness, so that colours end where things end.

    ab (h', w', 2), guide L (h, w)  ->  linear models ab = slope * L + offset for each place  ->  rows of x and z (n, W)

At full size the models speak of the places on CIE's curve (color.py), from which light is but a cube away: x and z are
linear in y where a and b are linear in L.

He, Sun and Tang, "Guided Image Filtering", PAMI 2013, in the form of He and Sun's "Fast Guided Filter" (2015): the
linear models are fitted on a reduced photograph and enlarged, to the full height at once, to the full width when rows
are made. What the filter's window blurs is put back by iterative back-projection (Irani and Peleg, "Improving
resolution by image registration", 1991).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from colorize_neural.worker.color import Float
from colorize_neural.worker.framing import LONGEST_TO_SHORTEST, Size

_GUIDE_SIDE = 200  # pixels, the least for the shorter side of a guide; 256 for the usual 224 gained nothing
_CORRECTIONS = 2  # the filter blurs: after these, the enlarged ab reduced again is nearly the small one
_NOISE = 4.0  # epsilon: lightness variance under which a window counts as flat, Lab units squared


def guide_size(photograph: Size, working: Size) -> Size:
    """How large the guide of a photograph is: large enough, and a multiple of what the network sees, (h, w) each.

    So the one becomes the other by whole squares of pixels, quickly; a small photograph is its own guide.
    """
    shortest, longest = min(photograph), _GUIDE_SIDE * LONGEST_TO_SHORTEST
    height, width = (
        min(whole, seen * math.ceil(min(whole * _GUIDE_SIDE / shortest, longest) / seen))
        for whole, seen in zip(photograph, working, strict=True)
    )
    return height, width


class Enlarger:
    """Holds the linear models of one photograph; `guided` False is plain bilinear enlargement."""

    def __init__(self, ab: Float, guide: Float, size: tuple[int, int], guided: bool) -> None:
        """ab (h', w', 2) and guide L (h, w) of the same photograph, whose full height and width are `size`."""
        height, self._width = size
        models = _fitted(ab, guide) if guided else [(np.zeros_like(plane), plane) for plane in cv2.split(ab)]
        self._models = [
            [_stretched(plane, plane.shape[1], height) for plane in _of_places(slope, offset, scale)]
            for (slope, offset), scale in zip(models, (1 / 500, -1 / 200), strict=True)
        ]

    def rows(self, top: int, y: Float) -> tuple[Float, Float]:
        """x and z (n, W) of the rows from `top`, whose lightness has the place y (n, W)."""
        x, z = (self._applied(model, top, y) for model in self._models)
        return x, z

    def _applied(self, model: list[Float], top: int, y: Float) -> Float:
        slope, offset = (_stretched(plane[top : top + len(y)], self._width, len(y)) for plane in model)
        return cv2.accumulateProduct(slope, y, offset)  # in one pass


def _of_places(slope: Float, offset: Float, scale: float) -> tuple[Float, Float]:
    """a or b = slope * L + offset -> the slope and offset of y + scale * (a or b) = slope * y + offset."""
    return 1 + 116 * scale * slope, scale * (offset - 16 * slope)


def _stretched(plane: Float, width: int, height: int) -> Float:
    return cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)


def _fitted(ab: Float, guide: Float) -> list[tuple[Float, Float]]:
    """Slopes and offsets (h, w) of the local linear models of a, and of b, from ab (h', w', 2)."""
    cell = max(guide.shape[0] / ab.shape[0], guide.shape[1] / ab.shape[1])
    window = _Window(guide, radius=max(1, round(cell)))
    return [window.fit(plane) for plane in cv2.split(ab)]


class _Window:
    """The window of the filter at each place of a guide, and what it holds of the guide."""

    def __init__(self, guide: Float, radius: int) -> None:
        """guide (h, w); radius: in its pixels"""
        side = 2 * radius + 1
        # more than the image and its reflection says nothing new, and OpenCV keeps as many rows as a window is high
        self._size = [min(side, 2 * length) for length in guide.shape[::-1]]
        self._L = guide
        self._mean = self._blurred(guide)
        self._variance = self._blurred(guide * guide) - self._mean * self._mean + _NOISE

    def fit(self, small: Float) -> tuple[Float, Float]:
        """a or b (h', w') -> slopes and offsets (h, w) of the local linear models (He 2013, equations 5 and 6)."""
        L, size = self._L, self._L.shape[::-1]
        wide: Float = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        mean = self._blurred(wide)
        slope: Float = (self._blurred(wide * L) - mean * self._mean) / self._variance
        slope, offset = self._blurred(slope), self._blurred(mean - slope * self._mean)
        wide = slope * L + offset
        for _ in range(_CORRECTIONS):
            missing = small - cv2.resize(wide, small.shape[::-1], interpolation=cv2.INTER_AREA)
            correction = cv2.resize(missing, size, interpolation=cv2.INTER_LINEAR)
            offset += correction
            wide += correction
        return slope, offset

    def _blurred(self, image: Float) -> Float:
        return cv2.blur(image, self._size, borderType=cv2.BORDER_REFLECT)
