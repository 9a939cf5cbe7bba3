"""Aranburu et al.'s tuning table:  python -m export.aranburu --photos P  ->  their eight runs, theirs beside ours

One number of the recipe is changed at a time. Of each pair the first is the recipe's own, so four runs differ in their
seed alone: how far these lie apart is what chance does. A ninth run sees photographs of 32 pixels, as theirs did too.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export import run
from export.comparison import Colours, Figures, add_budget, crops_seen, measure, print_heads, print_row, trained
from export.crops import split_photos
from export.losses import SquaredError
from export.photos import find_photos, spread
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
    rows: dict[str, Figures] = {}
    crops = {}
    for row in ROWS:
        recipe, out = row_recipe(row, chosen.full), chosen.out / (row.name + "-full" * chosen.full)
        training = trained(recipe, photos, out, None if chosen.full else chosen.minutes)
        _, tested = split_photos(photos, recipe.data.held_out)
        rows[row.name] = measure(training, spread(tested, chosen.tested), COLOURS)
        crops[row.name] = crops_seen(out, recipe)
    print_table(rows, crops)
    print_findings(rows)


def print_table(rows: dict[str, Figures], crops: dict[str, int]) -> None:
    """As Markdown: the mean squared error of a and b on photographs kept for it."""
    print_heads("factor", "value", "theirs", "ours", "share of grey's", "crops")
    for row in ROWS:
        found = rows[row.name]
        theirs = "" if row.theirs is None else f"{row.theirs:.2f}"
        ours = (f"{found.loss * SQUARE:.2f}", f"{found.share_of_grey:.3f}", f"{crops[row.name]:,}")
        print_row(row.factor, f"{row.value:g}", theirs, *ours)


def print_findings(rows: dict[str, Figures]) -> None:
    """What the table says of chance, and of their two observations."""
    alike = [row for row in ROWS[:-1:2] if row.theirs is not None]
    ours = [rows[row.name].loss * SQUARE for row in alike]
    theirs = [row.theirs for row in alike if row.theirs is not None]
    first, small = rows[alike[0].name], rows[ROWS[-1].name]
    print(
        f"\nThe {len(alike)} runs that have the same settings lie {max(theirs) - min(theirs):.2f} apart in their table,"
        f" {max(ours) - min(ours):.2f} in ours.\n"
        f"Colourfulness is {first.colourfulness:.2f} of the truth's; of the colour of pale things"
        f" {first.kept[PALE]:.0%} is given back, of vivid ones {first.kept[VIVID]:.0%}.\n"
        f"At 64 pixels the error is {first.share_of_grey:.3f} of grey's, at 32 {small.share_of_grey:.3f}."
    )


if __name__ == "__main__":
    run(main)
