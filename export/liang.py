"""Liang et al.'s comparisons:  python -m export.liang --photos P [--sheet FOLDER]  ->  a table, and a sheet of each

Patches, layers, kernels and losses are changed one at a time; refinement is what happens to the picture afterwards;
two runs that differ in their seed alone show what chance does. A run that belongs to several comparisons is made once.
Its colours are measured as the network answers them, without the enlargement that users get, on the middle of
photographs kept for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export import run
from export.comparison import (
    PICTURE_HEADS,
    PictureFigures,
    Seen,
    add_budget,
    measure_pictures,
    print_heads,
    print_row,
    sheet_of,
    trained,
)
from export.crops import from_sources, split_photos
from export.metrics import Rgb
from export.photos import find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe
from export.train import Training

RECIPE = RECIPES / "liang2016.toml"
SIDE = 160  # pixels of a photograph's shorter side, whatever is cut from it
WINDOW, FLAT = 40, 1e-4  # of their filter: pixels, and its epsilon, for greys from 0 to 1
SHOWN = 12  # photographs on each sheet
SEED = "seed"  # the comparison that tells chance


@dataclass(frozen=True)
class Row:
    """One line of a comparison: a run, by its folder's name and what is changed in the recipe, perhaps refined."""

    comparison: str
    value: str
    name: str = "theirs"
    changes: dict[str, Any] = field(default_factory=dict)
    refined: bool = False


def _patch(side: int) -> Row:
    share = side / SIDE
    return Row("patch", f"{side}", f"patch-{side}", {"data": {"crop": side, "smallest": share, "largest": share}})


def _kernels(comparison: str, value: str, *kernels: int) -> Row:
    name = "kernels-" + "-".join(map(str, kernels))
    return Row(comparison, value, name, {"network": {"options": {"kernels": list(kernels)}}})


def _loss(value: str, first: float) -> Row:
    return Row("loss", value, f"loss-{value}", {"loss": {"options": {"first": first}}})


#  all sets of kernels see as many pixels as theirs, 16
ROWS = [
    *(_patch(16), _patch(32), Row("patch", "64"), _patch(128)),
    *(_kernels("layers", "3", 11, 6, 1), Row("layers", "4")),
    *(_kernels("layers", "5", 11, 4, 3, 1, 1), _kernels("layers", "8", 11, 4, 3, 1, 1, 1, 1, 1)),
    *(_kernels("kernels", "16 1 1", 16, 1, 1), _kernels("kernels", "11 6 1", 11, 6, 1)),
    *(_kernels("kernels", "14 3 1", 14, 3, 1), Row("kernels", "11 4 3 1")),
    *(_loss("first", 1.0), _loss("second", 0.0), Row("loss", "both")),
    *(Row("refinement", "without"), Row("refinement", "with", refined=True)),
    *(Row(SEED, "1"), Row(SEED, "2", "seed-2", {"seed": 2})),
]
COMPARISONS = list(dict.fromkeys(row.comparison for row in ROWS))


Line = tuple[Row, PictureFigures, int]  # the last are the crops that the run was shown


def row_recipe(row: Row, full: bool) -> Recipe:
    """The recipe with the row's changes."""
    return changed(read_recipe(RECIPE, full), row.changes)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.liang", description="Liang et al.'s comparisons.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars, 20 of 21 to train on")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="for their PNGs, where photographs may be shown")
    add_budget(parser, Path("runs/liang"))
    chosen = parser.parse_args(arguments)
    data = read_recipe(RECIPE).data
    photos = from_sources(find_photos(chosen.photos), data.sources)
    _, tested = split_photos(photos, data.held_out)
    runs: dict[str, tuple[Training, int]] = {}
    lines: list[Line] = []
    for row in ROWS:
        if row.name not in runs:
            runs[row.name] = trained(row_recipe(row, chosen.full), row.name, photos, chosen)
        training, crops = runs[row.name]
        lines.append((row, measure_pictures(training, spread(tested, chosen.tested), partial(picture, row)), crops))
    print_table(lines)
    print_findings(lines)
    if chosen.sheet:
        chosen.sheet.mkdir(parents=True, exist_ok=True)
        for comparison in COMPARISONS:
            rows = [row for row in ROWS if row.comparison == comparison]
            columns = {row.value: (runs[row.name][0], partial(picture, row)) for row in rows}
            sheet_of(columns, spread(tested, SHOWN)).write(chosen.sheet / f"{comparison}.png")


def picture(row: Row, one: Seen) -> Rgb:
    """A photograph as that line shows it."""
    return refined(one.coloured(), one.grey()) if row.refined else one.coloured()


def refined(rgb: Rgb, guide: Rgb) -> Rgb:
    """A picture filtered under the guidance of its grey one (He, Sun and Tang, PAMI 2013, equations 5 to 8)."""
    colours, light = (one.astype(np.float32) / np.float32(255) for one in (rgb, guide))
    mean_colours, mean_light, mean_products, mean_squares = (
        cv2.blur(one, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT)
        for one in (colours, light, colours * light, light * light)
    )
    slope = (mean_products - mean_colours * mean_light) / (mean_squares - mean_light**2 + np.float32(FLAT))
    offset = mean_colours - slope * mean_light
    slope, offset = (cv2.blur(one, (WINDOW, WINDOW), borderType=cv2.BORDER_REFLECT) for one in (slope, offset))
    return np.rint(np.clip(slope * light + offset, 0, 1) * 255).astype(np.uint8)


def print_table(lines: Sequence[Line]) -> None:
    """As Markdown, the lines of a comparison one below the other."""
    print_heads("comparison", "value", *PICTURE_HEADS, "crops")
    for row, figures, crops in lines:
        print_row(row.comparison, row.value, *figures.cells(), f"{crops:,}")


def print_findings(lines: Sequence[Line]) -> None:
    """What is best and worst in each comparison, and how far apart runs lie that differ in their seed alone."""
    print()
    for comparison in COMPARISONS:
        errors = {row.value: figures.ab_error_share for row, figures, _ in lines if row.comparison == comparison}
        colours = {row.value: figures.colourfulness for row, figures, _ in lines if row.comparison == comparison}
        near, far = min(errors, key=errors.__getitem__), max(errors, key=errors.__getitem__)
        vivid = max(colours, key=colours.__getitem__)
        print(
            f"{comparison}: the smallest error, {errors[near]:.3f} of grey's, has {near}; the largest,"
            f" {errors[far]:.3f}, has {far}; the most colour, {colours[vivid]:.3f} of the truth's, has {vivid}."
        )
    alike = [figures for row, figures, _ in lines if row.comparison == SEED]
    apart = (np.ptp([one.ab_error_share for one in alike]), np.ptp([one.colourfulness for one in alike]))
    print(f"Chance: two runs of the same settings lie {apart[0]:.3f} apart in error, {apart[1]:.3f} in colour.")


if __name__ == "__main__":
    run(main)
