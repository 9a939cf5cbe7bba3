"""Li, Zhang, Xie and Yan's two losses:  python -m export.palette --photos P [--sheet FILE]  ->  a table of both

The same network is trained on portraits by the cross-entropy and by the squared error; each colours portraits kept for
it, and photographs of all other kinds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colorize_neural.errors import ColorizeError

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
from export.photos import find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe
from export.train import Training

RECIPE = RECIPES / "palette.toml"
SHOWN = 8  # photographs of each kind on the sheet
CHOSEN, FAILED = "cross-entropy", "squared error"
PORTRAITS, OTHERS = "portraits", "other photographs"
#  loss: what is changed in the recipe; the squared error is that of the palette's mean, which is at temperature 1
CHANGES: dict[str, dict[str, Any]] = {
    CHOSEN: {},
    FAILED: {"loss": {"name": "palette-squared-error"}, "manifest": {"temperature": 1.0}},
}
Line = tuple[str, str, PictureFigures, int]  # loss, kind of photographs, and the crops that the run was shown


def loss_recipe(loss: str, full: bool) -> Recipe:
    """The recipe with that loss."""
    return changed(read_recipe(RECIPE, full), CHANGES[loss])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.palette", description="The palette by two losses.")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars of all kinds")
    parser.add_argument("--sheet", type=Path, help="a PNG or JPEG to write, where photographs may be shown")
    add_budget(parser, Path("runs/palette"))
    chosen = parser.parse_args(arguments)
    photos, data = find_photos(chosen.photos), read_recipe(RECIPE).data
    portraits = from_sources(photos, data.sources)
    others = [photo for photo in photos if photo.source not in data.sources]
    if not others:
        raise ColorizeError("All these photographs are portraits: name others too, to see what becomes of them.")
    kinds = {PORTRAITS: split_photos(portraits, data.held_out)[1], OTHERS: others}
    trainings: dict[str, Training] = {}
    lines: list[Line] = []
    for loss in CHANGES:
        name = loss.replace(" ", "-")
        trainings[loss], crops = trained(loss_recipe(loss, chosen.full), name, portraits, chosen)
        for kind, tested in kinds.items():
            lines.append((loss, kind, measure_pictures(trainings[loss], spread(tested, chosen.tested)), crops))
    print_table(lines)
    print_findings({(loss, kind): figures for loss, kind, figures, _ in lines})
    if chosen.sheet:
        shown = [photo for tested in kinds.values() for photo in spread(tested, SHOWN)]
        columns = {loss: (training, Seen.coloured) for loss, training in trainings.items()}
        sheet_of(columns, shown).write(chosen.sheet)


def print_table(lines: Sequence[Line]) -> None:
    """As Markdown."""
    print_heads("loss", "seen on", *PICTURE_HEADS, "crops")
    for loss, kind, figures, crops in lines:
        print_row(loss, kind, *figures.cells(), f"{crops:,}")


def print_findings(figures: dict[tuple[str, str], PictureFigures]) -> None:
    """What the table says of the losses, and of photographs that are no portraits."""
    vivid, pale = (figures[loss, PORTRAITS].colourfulness for loss in (CHOSEN, FAILED))
    near, far = (figures[CHOSEN, kind].ab_error_share for kind in (PORTRAITS, OTHERS))
    print(
        f"\nColourfulness of portraits is {vivid:.3f} of the truth's by the {CHOSEN}, {pale:.3f} by the {FAILED}.\n"
        f"By the {CHOSEN} the error is {near:.3f} of grey's on {PORTRAITS}, {far:.3f} on {OTHERS}."
    )


if __name__ == "__main__":
    run(main)
