"""Aranburu et al.'s tuning table:  python -m export.aranburu --photos P  ->  their eight runs, theirs beside ours

One number of the recipe is changed at a time. Of each pair the first is the recipe's own, so four runs differ in their
seed alone: how far these lie apart is what chance does. A ninth run sees photographs of 32 pixels, as theirs did too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from export import run
from export.comparison import (
    Colours,
    LossFigures,
    add_budget,
    losses_of_grey_and_tint,
    measure,
    print_heads,
    print_row,
    trained,
)
from export.crops import split_photos
from export.losses import SquaredError
from export.photos import Photo, find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe

PALE, VIVID = "pale", "vivid"
COLOURS = {PALE: Colours(chroma=(5, 20)), VIVID: Colours(chroma=(50, 200))}
SQUARE = SquaredError.RANGE**2  # Lab units: their figures count neither axis as 1


@dataclass(frozen=True)
class Row:
    """One run: what is changed in the recipe, and the squared error that they report, Lab units."""

    factor: str
    value: float
    theirs: float | None
    changes: dict[str, Any]

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.factor}-{self.value:g}".replace(" ", "-")


ROWS = [
    Row("batch", 10, 195.55, {"optimizer": {"batch": 10}}),
    Row("batch", 20, 217.08, {"optimizer": {"batch": 20}}),
    Row("dropout", 0.4, 215.69, {"network": {"options": {"dropout": 0.4}}}),
    Row("dropout", 0.6, 221.48, {"network": {"options": {"dropout": 0.6}}}),
    Row("kernel", 3, 200.09, {"network": {"options": {"kernel": 3}}}),
    Row("kernel", 5, 209.24, {"network": {"options": {"kernel": 5}}}),
    Row("stride", 1, 206.2, {"network": {"options": {"stride": 1}}}),
    Row("stride", 2, 214.87, {"network": {"options": {"stride": 2}}}),
    Row("pixels", 32, None, {"data": {"crop": 32}}),
]


def row_recipe(row: Row, full: bool) -> Recipe:
    """The recipe with one number changed, and a seed of its own."""
    recipe = read_recipe(RECIPES / "aranburu2017.toml", full)
    return changed(recipe, {**row.changes, "seed": recipe.seed + ROWS.index(row)})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.aranburu", description="Aranburu et al.'s tuning table.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars, 9 of 10 to train on")
    add_budget(parser, Path("runs/aranburu"))
    chosen = parser.parse_args(arguments)
    photos = find_photos(chosen.photos)
    _, kept = split_photos(photos, row_recipe(ROWS[0], chosen.full).data.held_out)
    tested = spread(kept, chosen.tested)
    rows: dict[str, LossFigures] = {}
    crops = {}
    for row in ROWS:
        training, crops[row.name] = trained(row_recipe(row, chosen.full), row.name, photos, chosen)
        rows[row.name] = measure(training, tested, COLOURS)
    print_table(rows, crops)
    print_findings(rows)
    print_references(tested)


def print_table(rows: dict[str, LossFigures], crops: dict[str, int]) -> None:
    """As Markdown: the mean squared error of a and b on photographs kept for it."""
    print_heads("factor", "value", "theirs", "ours", "share of grey's", "crops")
    for row in ROWS:
        found = rows[row.name]
        theirs = "" if row.theirs is None else f"{row.theirs:.2f}"
        ours = (f"{found.loss * SQUARE:.2f}", f"{found.share_of_grey:.3f}", f"{crops[row.name]:,}")
        print_row(row.factor, f"{row.value:g}", theirs, *ours)


def print_findings(rows: dict[str, LossFigures]) -> None:
    """What the table says of chance, and of their two observations: means, with what chance makes of them."""
    alike = [row for row in ROWS[:-1:2] if row.theirs is not None]
    ours = [rows[row.name] for row in alike]
    theirs = [row.theirs for row in alike if row.theirs is not None]
    errors = [found.loss * SQUARE for found in ours]
    print(
        f"\nThe {len(alike)} runs that have the same settings lie {max(theirs) - min(theirs):.2f} apart in their table,"
        f" {max(errors) - min(errors):.2f} in ours: {_told(errors, '.2f')}.\n"
        f"Their colourfulness, of the truth's: {_told([found.colourfulness for found in ours])}."
        f" Of the colour of pale things is given back {_told([found.kept[PALE] for found in ours])},"
        f" of vivid ones {_told([found.kept[VIVID] for found in ours])}.\n"
        f"Their error, of grey's: {_told([found.share_of_grey for found in ours])};"
        f" at 32 pixels {rows[ROWS[-1].name].share_of_grey:.3f}."
    )


def print_references(tested: Sequence[Photo]) -> None:
    """What a network gets that has found nothing, at both sizes."""
    for row in (ROWS[0], ROWS[-1]):
        recipe = row_recipe(row, full=False)
        grey, tint = (loss * SQUARE for loss in losses_of_grey_and_tint(recipe, tested))
        print(f"On {len(tested):,} photographs of {recipe.data.crop} pixels grey gets {grey:.2f}, one tint {tint:.2f}.")


def _told(values: Sequence[float], form: str = ".3f") -> str:
    return f"{fmean(values):{form}} in the mean, {min(values):{form}} to {max(values):{form}}"


if __name__ == "__main__":
    run(main)
