"""Liang et al.'s comparisons:  python -m export.liang --photos P [--sheet FOLDER]  ->  a table, and a sheet of each

Patches, layers, kernels and losses are changed one at a time; refinement is what happens to the picture afterwards. A
run that belongs to several comparisons is made once. Its colours are measured as the network answers them, without the
enlargement that users get, on the middle of photographs kept for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from export import run
from export.comparison import Seen, add_budget, crops_seen, print_heads, print_row, seen, trained
from export.crops import from_sources, split_photos
from export.evaluate import Tally
from export.metrics import Rgb
from export.photos import Photo, find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe
from export.sheet import Sheet
from export.systems import GREY, TRUTH, grey_from_lightness
from export.train import Training

RECIPE = RECIPES / "liang2016.toml"
SIDE = 160  # pixels of a photograph's shorter side, whatever is cut from it
WINDOW, FLAT = 40, 1e-4  # of their filter: pixels, and its epsilon, for greys from 0 to 1
SHOWN = 12  # photographs on each sheet


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
]
COMPARISONS = list(dict.fromkeys(row.comparison for row in ROWS))


@dataclass(frozen=True)
class Figures:
    """What is measured of one line, against grey and the truth."""

    ab_error_share: float  # of grey's
    psnr_gained: float  # dB over grey
    colourfulness: float  # share of the truth's
    crops: int


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
    trainings: dict[str, Training] = {}
    figures: list[Figures] = []
    for row in ROWS:
        recipe, out = row_recipe(row, chosen.full), chosen.out / (row.name + "-full" * chosen.full)
        if row.name not in trainings:
            trainings[row.name] = trained(recipe, photos, out, None if chosen.full else chosen.minutes)
        crops = crops_seen(out, recipe)
        figures.append(measure(trainings[row.name], spread(tested, chosen.tested), row.refined, crops))
    print_table(figures)
    print_findings(figures)
    if chosen.sheet:
        chosen.sheet.mkdir(parents=True, exist_ok=True)
        for comparison in COMPARISONS:
            sheet_of(comparison, trainings, spread(tested, SHOWN)).write(chosen.sheet / f"{comparison}.png")


def measure(training: Training, photos: Sequence[Photo], is_refined: bool, crops: int) -> Figures:
    """The figures of a run's network, refined or not."""
    plain, found, truth = Tally(), Tally(), Tally()
    for one in seen(training, photos):
        true = one.rgb(one.true)
        plain.add(grey_from_lightness(one.L), true)
        found.add(picture(one, is_refined), true)
        truth.add(true, true)
    return Figures(found.error_share(plain), found.psnr_gained(plain), found.colourfulness_share(truth), crops)


def picture(one: Seen, is_refined: bool) -> Rgb:
    """A photograph in the colours that were found."""
    rgb = one.rgb(one.found)
    return refined(rgb, grey_from_lightness(one.L)) if is_refined else rgb


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


def print_table(figures: Sequence[Figures]) -> None:
    """As Markdown, the lines of a comparison one below the other."""
    print_heads("comparison", "value", "ab error, of grey's", "PSNR gained", "colourfulness", "crops")
    for row, found in zip(ROWS, figures, strict=True):
        measured = (f"{found.ab_error_share:.3f}", f"{found.psnr_gained:+.2f}", f"{found.colourfulness:.3f}")
        print_row(row.comparison, row.value, *measured, f"{found.crops:,}")


def print_findings(figures: Sequence[Figures]) -> None:
    """Which value of each comparison has the smallest error, and which the most colour."""
    print()
    for comparison in COMPARISONS:
        lines = [(row, found) for row, found in zip(ROWS, figures, strict=True) if row.comparison == comparison]
        nearest, nearest_found = min(lines, key=lambda line: line[1].ab_error_share)
        furthest, furthest_found = max(lines, key=lambda line: line[1].ab_error_share)
        vivid, vivid_found = max(lines, key=lambda line: line[1].colourfulness)
        print(
            f"{comparison}: the smallest error, {nearest_found.ab_error_share:.3f} of grey's, has {nearest.value};"
            f" the largest, {furthest_found.ab_error_share:.3f}, has {furthest.value};"
            f" the most colour, {vivid_found.colourfulness:.3f} of the truth's, has {vivid.value}."
        )


def sheet_of(comparison: str, trainings: dict[str, Training], photos: Sequence[Photo]) -> Sheet:
    """Grey, the photographs in the colours of each line of a comparison, and the truth."""
    rows = [row for row in ROWS if row.comparison == comparison]
    sheet = Sheet(len(photos), cell=160)
    for ones in zip(*(seen(trainings[row.name], photos) for row in rows), strict=True):
        results = {row.value: picture(one, row.refined) for row, one in zip(rows, ones, strict=True)}
        sheet.add({GREY: grey_from_lightness(ones[0].L), **results, TRUTH: ones[0].rgb(ones[0].true)})
    return sheet


if __name__ == "__main__":
    run(main)
