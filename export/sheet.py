"""A contact sheet: a row a photograph, a column a system, so that eyes can judge.

{system: sRGB uint8 (h, w, 3)}, row by row  ->  one PNG
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from export.metrics import Rgb

CELL = 224  # pixels, both sides of a cell
GAP = 4
HEADER = 24
_INK, _PAPER = (40, 40, 40), 255


class Sheet:
    """Takes rows; `rows` is how many it wants."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._strips: list[Rgb] = []
        self._names: list[str] = []

    def add(self, results: dict[str, Rgb]) -> None:
        """One more row; all rows name the same systems in the same order."""
        self._names = list(results)
        self._strips.append(np.hstack([_cell(rgb) for rgb in results.values()]))

    def write(self, file: Path) -> None:
        """Writes the PNG; OSError where it cannot be written."""
        header = np.full((HEADER, self._strips[0].shape[1], 3), _PAPER, np.uint8)
        for place, name in enumerate(self._names):
            corner = (place * (CELL + GAP) + GAP, HEADER - 8)
            cv2.putText(header, name, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
        bgr = cv2.cvtColor(np.vstack([header, *self._strips]), cv2.COLOR_RGB2BGR)
        file.write_bytes(cv2.imencode(".png", bgr)[1].tobytes())


def _cell(rgb: Rgb) -> Rgb:
    """The photograph fitted into a cell with a gap to the right and below."""
    h, w = rgb.shape[:2]
    scale = CELL / max(h, w)
    small = cv2.resize(rgb, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)
    cell = np.full((CELL + GAP, CELL + GAP, 3), _PAPER, np.uint8)
    top, left = (CELL - small.shape[0]) // 2, (CELL - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell
