"""Contact sheets, so that eyes can judge:  python -m export.sheet PHOTO... --models ID... --out SHEET.png

{system: sRGB uint8 (h, w, 3)}, photograph by photograph  ->  one picture: a column a system
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from colorize_neural.settings import models_folder
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.photos import read_photograph

from export import run
from export.files import write_whole
from export.metrics import Rgb

CELL = 224  # pixels: the width of a cell, which no photograph in it exceeds in height
GAP = 4
HEADER = 24
_INK, _PAPER = (40, 40, 40), 255
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.5
_QUALITY = (cv2.IMWRITE_JPEG_QUALITY, 88)


class Sheet:
    """Takes photographs; `rows` is how many it wants, `cell` the width of its cells in pixels.

    `across` photographs are beside each other, each with all its systems.
    """

    def __init__(self, rows: int, cell: int = CELL, across: int = 1) -> None:
        self.rows = rows
        self._cell = cell
        self._across = across
        self._strips: list[Rgb] = []
        self._names: list[str] = []

    def add(self, results: dict[str, Rgb]) -> None:
        """One more photograph; all name the same systems in the same order."""
        self._names = list(results)
        self._strips.append(np.hstack([_fitted(rgb, self._cell) for rgb in results.values()]))

    def write(self, file: Path) -> None:
        """Writes a PNG or JPEG, as the name ends; OSError where it cannot be written."""
        names = self._names * self._across
        header = np.full((HEADER, len(names) * (self._cell + GAP), 3), _PAPER, np.uint8)
        for place, name in enumerate(names):
            corner = (place * (self._cell + GAP) + GAP, HEADER - 8)
            (width, _), _ = cv2.getTextSize(name, _FONT, _FONT_SCALE, 1)
            scale = _FONT_SCALE * min(1, (self._cell - GAP) / width)
            cv2.putText(header, name, corner, _FONT, scale, _INK, 1, cv2.LINE_AA)
        firsts = range(0, len(self._strips), self._across)
        rows = [_beside(self._strips[first : first + self._across], header.shape[1]) for first in firsts]
        bgr = cv2.cvtColor(np.vstack([header, *rows]), cv2.COLOR_RGB2BGR)
        write_whole(file, cv2.imencode(file.suffix, bgr, _QUALITY)[1].tobytes())


def _beside(strips: Sequence[Rgb], width: int) -> Rgb:
    """One row of that width, as high as its highest strip."""
    row = np.full((max(len(strip) for strip in strips), width, 3), _PAPER, np.uint8)
    for place, strip in enumerate(strips):
        row[: len(strip), place * strip.shape[1] : (place + 1) * strip.shape[1]] = strip
    return row


def _fitted(rgb: Rgb, side: int) -> Rgb:
    """The photograph in a cell as wide as told and as high as it is, with a gap to the right and below."""
    h, w = rgb.shape[:2]
    scale = side / max(h, w)
    small = cv2.resize(rgb, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)
    cell = np.full((small.shape[0] + GAP, side + GAP, 3), _PAPER, np.uint8)
    left = (side - small.shape[1]) // 2
    cell[: small.shape[0], left : left + small.shape[1]] = small
    return cell


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.sheet", description="Photographs before and after.")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument("--models", nargs="+", required=True, metavar="ID", help="as the manifest names them")
    parser.add_argument("--folder", type=Path, default=models_folder(), help="the models folder")
    parser.add_argument("--out", type=Path, required=True, help="a PNG or JPEG to write")
    parser.add_argument("--cell", type=int, default=CELL, help="pixels: the width of a cell")
    chosen = parser.parse_args(arguments)
    colorizer, sheet = Colorizer(chosen.folder), Sheet(len(chosen.photos), chosen.cell)
    for photo in chosen.photos:
        before = read_photograph(photo).pixels[..., :3]
        results = {"before": before}
        for model in chosen.models:
            results[model] = before.copy()
            colorizer.colorize(results[model], Options(model=model), lambda _fraction, _text: None)
        sheet.add(results)
    sheet.write(chosen.out)


if __name__ == "__main__":
    run(main)
