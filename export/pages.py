"""What to look at before believing figures: faces, the worst photographs, old ones.

photographs, models as systems  ->  FOLDER/faces.png, worst.png, old.png; what exceeds a page is on faces-2.png, ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import nlargest
from pathlib import Path, PurePath

import numpy as np

from export.metrics import Rgb, ab_error
from export.photos import Photo
from export.sheet import CELL, GAP, HEADER, Sheet
from export.systems import GREY, TRUTH, System, grey, itself, shrunk

FACES = {"faces", "utkface", "humanseg", "flickr8k"}  # folders of photographs that show people
WORST = 20
WIDTH, HEIGHT = 1400, 2000  # pixels: of a page, at the most


def write_pages(
    folder: Path,
    systems: dict[str, System],
    photos: Sequence[Photo],
    systems_for_old: dict[str, System],
    old: Sequence[Photo],
) -> None:
    """The pages of faces and of the photographs with the largest ab error, the worst first; and of `old` ones."""

    def error(results: dict[str, Rgb]) -> float:
        return float(np.mean([ab_error(results[name], results[TRUTH]) for name in systems]))

    folder.mkdir(parents=True, exist_ok=True)
    people = [photo for photo in photos if PurePath(photo.source).name in FACES]
    _write(folder, "faces", list(_rows({TRUTH: itself, **systems}, people)))
    _write(folder, "worst", nlargest(WORST, _rows({TRUTH: itself, GREY: grey, **systems}, photos), key=error))
    _write(folder, "old", list(_rows({GREY: grey, **systems_for_old}, old)))


def _rows(systems: dict[str, System], photos: Sequence[Photo]) -> Iterator[dict[str, Rgb]]:
    for photo in photos:
        rgb = shrunk(photo.rgb())
        yield {name: system(rgb) for name, system in systems.items()}


def _write(folder: Path, name: str, rows: Sequence[dict[str, Rgb]]) -> None:
    """As many pages as the rows need, as many photographs beside each other as a page is wide; none, no page."""
    across = max(1, WIDTH // ((CELL + GAP) * len(rows[0]))) if rows else 1
    fitting = across * ((HEIGHT - HEADER) // (CELL + GAP))
    for page, first in enumerate(range(0, len(rows), fitting), 1):
        sheet = Sheet(fitting, across=across)
        for results in rows[first : first + fitting]:
            sheet.add(results)
        sheet.write(folder / (f"{name}.png" if page == 1 else f"{name}-{page}.png"))
