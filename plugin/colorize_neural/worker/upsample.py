"""Small ab -> full-size ab, guided by the photograph's own lightness, so that colours end where things end.

    ab (h', w', 2), guide L (h, w)  ->  a linear model ab = slope * L + offset for each place  ->  rows of ab (n, W, 2)

He, Sun and Tang, "Guided Image Filtering", PAMI 2013, in the form of He and Sun's "Fast Guided Filter" (2015): the
linear models are fitted on a reduced photograph and enlarged, so any rows of the full size can be made alone. What the
filter's window blurs is put back by iterative back-projection (Irani and Peleg, "Improving resolution by image
registration", 1991).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from colorize_neural.worker.color import Float

GUIDE_SIDE = 384  # pixels: shorter side of the reduced photograph at the most
_CELLS = 1.5  # the window's radius, in pixels of the small ab
_PASSES = 2  # the second one takes away most of the halo that the first one leaves
_CORRECTIONS = 2  # the filter blurs: after these, the enlarged ab reduced again is nearly the small one
_NOISE = 4.0  # epsilon: lightness variance under which a window counts as flat, Lab units squared


class Enlarger:
    """Holds the linear models of one photograph; `guided` False is plain bilinear enlargement."""

    def __init__(self, ab: Float, guide: Float, size: tuple[int, int], guided: bool, threads: int = 0) -> None:
        """ab (h', w', 2) and guide L (h, w) of the same photograph, whose full height and width are `size`."""
        self._height, self._width = size
        if not guided:
            self._slope_and_offset = cv2.merge([np.zeros_like(ab), ab])
            return
        window = _Window(guide, max(guide.shape[0] / ab.shape[0], guide.shape[1] / ab.shape[1]))
        with ThreadPoolExecutor(threads or 2) as pool:
            (slope_a, offset_a), (slope_b, offset_b) = pool.map(window.fit, cv2.split(ab))
        self._slope_and_offset = cv2.merge([slope_a, slope_b, offset_a, offset_b])

    def rows(self, top: int, L: Float) -> Float:
        """ab (n, W, 2) of the rows from `top`, whose lightness is L (n, W)."""
        models = self._slope_and_offset
        centers = (np.arange(top, top + len(L), dtype=np.float32) + 0.5) * (len(models) / self._height) - 0.5
        above = np.clip(np.floor(centers).astype(np.intp), 0, len(models) - 1)
        below = np.minimum(above + 1, len(models) - 1)
        share = np.clip(centers - above, 0, 1).astype(np.float32)[:, None, None]
        narrow, difference = models[above], models[below]
        difference -= narrow
        narrow += share * difference
        wide = cv2.resize(narrow, (self._width, len(L)), interpolation=cv2.INTER_LINEAR)
        slope_a, slope_b, offset_a, offset_b = cv2.split(wide)
        return cv2.merge([slope_a * L + offset_a, slope_b * L + offset_b])


class _Window:
    """The window of the filter at each place of a guide, and what it holds of the guide."""

    def __init__(self, guide: Float, cell: float) -> None:
        """guide (h, w); cell: its pixels along a pixel of the small ab"""
        side = 2 * max(1, round(_CELLS * cell)) + 1
        # more than the image and its reflection says nothing new, and OpenCV keeps as many rows as a window is high
        self._size = [min(side, 2 * length) for length in guide.shape[::-1]]
        self._L = guide
        self._mean = self._blurred(guide)
        self._variance = self._blurred(guide * guide) - self._mean * self._mean + _NOISE

    def fit(self, small: Float) -> tuple[Float, Float]:
        """a or b (h', w') -> slopes and offsets (h, w) of the local linear models (He 2013, equations 5 and 6)."""
        L, size = self._L, self._L.shape[::-1]
        wide: Float = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        for _ in range(_PASSES):
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
