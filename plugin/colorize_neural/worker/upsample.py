"""Small ab -> full-size ab, guided by the photograph's own lightness, so that colours end where things end.

    ab (h', w', 2), guide L (h, w)  ->  a linear model ab = slope * L + offset for each place  ->  rows of ab (n, W, 2)

He, Sun and Tang, "Guided Image Filtering", PAMI 2013, in the form of He and Sun's "Fast Guided Filter" (2015): the
linear models are fitted on a reduced photograph and enlarged, so any rows of the full size can be made alone. What the
filter's window blurs is put back by iterative back-projection (Irani and Peleg, "Improving resolution by image
registration", 1991).
"""

from __future__ import annotations

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

    def __init__(self, ab: Float, guide: Float, size: tuple[int, int], guided: bool) -> None:
        """ab (h', w', 2) and guide L (h, w) of the same photograph, whose full height and width are `size`."""
        self._height, self._width = size
        self._slope_and_offset = _fit(ab, guide) if guided else cv2.merge([np.zeros_like(ab), ab])

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


def _fit(ab: Float, guide: Float) -> Float:
    """Slopes and offsets (h, w, 4) of the local linear models (He 2013, equations 5 and 6)."""
    h, w = guide.shape
    radius = max(1, round(_CELLS * max(h / ab.shape[0], w / ab.shape[1])))
    small, ab = ab, cv2.resize(np.ascontiguousarray(ab), (w, h), interpolation=cv2.INTER_LINEAR)
    L: Float = cv2.merge([guide, guide])
    mean_L = _box(L, radius)
    variance = _box(L * L, radius) - mean_L * mean_L
    for _ in range(_PASSES):
        mean_ab = _box(ab, radius)
        slope: Float = (_box(ab * L, radius) - mean_ab * mean_L) / (variance + _NOISE)
        slope, offset = _box(slope, radius), _box(mean_ab - slope * mean_L, radius)
        ab = slope * L + offset
    for _ in range(_CORRECTIONS):
        missing = small - cv2.resize(ab, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        correction = cv2.resize(missing, (w, h), interpolation=cv2.INTER_LINEAR)
        offset += correction
        ab += correction
    return cv2.merge([slope, offset])


def _box(image: Float, radius: int) -> Float:
    side = 2 * radius + 1
    return cv2.blur(image, (side, side), borderType=cv2.BORDER_REFLECT)
