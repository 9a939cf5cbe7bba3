"""Paquette's comparison:  python -m export.paquette --landscape LANDSCAPE.tar --varied TRAIN  ->  his table beside ours

Photographs of landscapes in train/, val/ and test/, the largest square of each at 128 pixels. Three networks meet two
optimisers and two losses; three others run once, as he reports them. Then the first network is trained on varied
photographs instead, and colours the same landscapes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from colorize_neural.errors import ColorizeError

from export import run
from export.comparison import (
    Colours,
    LossFigures,
    Seen,
    add_budget,
    losses_of_grey_and_tint,
    mean_loss,
    measure,
    print_heads,
    print_row,
    sheet_of,
    trained,
)
from export.photos import Photo, find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe

SIDE, EPOCHS = 128, 25  # pixels; his
SHOWN = 12  # photographs on the sheet
UNIT = 1e4  # his table counts in ten-thousandths
LOSSES = {"mse": "squared-error", "mae": "absolute-error"}
#  hues of sRGB: red 40, yellow 103, green 136, cyan 196, blue 306 degrees; what lies between goes half to each
COLOURS = {
    "red": Colours(hue=(-25, 72)),
    "yellow": Colours(hue=(72, 119)),
    "green": Colours(hue=(119, 196)),
    "blue": Colours(hue=(196, 335)),
}


@dataclass(frozen=True)
class Row:
    """One run: a network of RECIPES, an optimiser, a loss, and what he reports for train, val and test."""

    network: str
    optimizer: str
    loss: str
    his: Sequence[int | None] = (None, None, None)  # ten-thousandths; a single figure is taken for validation's
    varied: bool = False

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.network}-{self.optimizer}-{self.loss}{'-varied' * self.varied}"


ROWS = [
    Row("classic", "adam", "mse", (21, 20, 19)),
    Row("classic", "adam", "mae", (301, 290, 287)),
    Row("classic", "rmsprop", "mse", (22, 20, 20)),
    Row("classic", "rmsprop", "mae", (303, 290, 286)),
    Row("conv-sampling", "adam", "mse", (19, 19, 19)),
    Row("conv-sampling", "adam", "mae", (252, 292, 288)),
    Row("conv-sampling", "rmsprop", "mse", (19, 19, 19)),
    Row("conv-sampling", "rmsprop", "mae", (363, 359, 349)),
    Row("split", "rmsprop", "mae", (304, 298, None)),
    Row("basic", "adam", "mse", (23, 22, 22)),
    Row("basic", "adam", "mae", (312, 308, 303)),
    Row("basic", "rmsprop", "mse", (22, 22, 21)),
    Row("basic", "rmsprop", "mae", (306, 303, 298)),
    Row("large-kernel", "adam", "mae", (None, 343, None)),
    Row("zhang", "adam", "mse"),
    Row("classic", "adam", "mse", varied=True),
    Row("classic", "adam", "mae", varied=True),
]
SHEET = [  # the six in the order of his eyes, as above; of those with four runs, that with Adam and the absolute error
    *("classic-adam-mae", "conv-sampling-adam-mae", "split-rmsprop-mae"),
    *("basic-adam-mae", "large-kernel-adam-mae", "zhang-adam-mse"),
]


@dataclass(frozen=True)
class Parts:
    """His three parts of the photographs, and the varied ones that take the place of `train` in some runs."""

    train: list[Photo]
    val: list[Photo]
    test: list[Photo]
    varied: list[Photo]


@dataclass(frozen=True)
class Result:
    """What a run has come to: its losses on what it learned from, on val and on test, and its colours on test."""

    losses: tuple[float, float, float]
    figures: LossFigures
    crops: int


def parts_of(landscape: list[Photo], varied: list[Photo]) -> Parts:
    """ColorizeError where the landscapes are not in the three folders."""
    train, val, test = (
        [photo for photo in landscape if part in photo.name.split("/")] for part in ("train", "val", "test")
    )
    if not train or not val or not test:
        raise ColorizeError("These are no train, val and test folders of photographs: name the tar of landscapes.")
    return Parts(train, val, test, varied)


def row_recipe(row: Row, photos: int, full: bool) -> Recipe:
    """The recipe of the network with the row's optimiser and loss, at his size and, at most, for his epochs."""
    changes: dict[str, Any] = {
        "data": {"crop": SIDE},
        "loss": {"name": LOSSES[row.loss]},
        "optimizer": {"name": row.optimizer, "crops": EPOCHS * photos},
    }
    return changed(read_recipe(RECIPES / f"paquette2022-{row.network}.toml", full), changes)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.paquette", description="Paquette's comparison.")
    parser.add_argument("--landscape", type=Path, nargs="+", required=True, help="a folder or tar: train/ val/ test/")
    parser.add_argument("--varied", type=Path, nargs="+", required=True, help="folders or tars of other photographs")
    parser.add_argument("--sheet", type=Path, help="a PNG or JPEG to write, where photographs may be shown")
    add_budget(parser, Path("runs/paquette"))
    chosen = parser.parse_args(arguments)
    parts = parts_of(find_photos(chosen.landscape), find_photos(chosen.varied))
    tested = spread(parts.test, chosen.tested)
    results, shown = {}, {}
    for row in ROWS:
        recipe, learned = row_recipe(row, len(parts.train), chosen.full), parts.varied if row.varied else parts.train
        training, crops = trained(recipe, row.name, learned, chosen, parts.val)
        figures = measure(training, tested, COLOURS)
        train, val = (mean_loss(training, spread(part, chosen.tested)) for part in (learned, parts.val))
        results[row.name] = Result((train, val, figures.loss), figures, crops)
        if row.name in SHEET:
            shown[row.network] = training, Seen.coloured
    print_table(results)
    print_findings(results)
    print_references(tested)
    if chosen.sheet:
        sheet_of(shown, spread(parts.test, SHOWN)).write(chosen.sheet)


def print_table(results: dict[str, Result]) -> None:
    """As Markdown: losses in ten-thousandths, and how much of the test photographs' colours is given back."""
    print_heads("network", "run", "his", "ours", "test, of grey's", "colourfulness", *COLOURS, "crops")
    for row in ROWS:
        found = results[row.name]
        his = " / ".join("-" if figure is None else str(figure) for figure in row.his)
        ours = " / ".join(f"{loss * UNIT:.0f}" for loss in found.losses)
        kept = [f"{share:.2f}" for share in found.figures.kept.values()]
        print_row(
            *(row.network, f"{row.optimizer}, {row.loss}{', varied' * row.varied}", his, ours),
            *(f"{found.figures.share_of_grey:.3f}", f"{found.figures.colourfulness:.3f}", *kept, f"{found.crops:,}"),
        )


def print_findings(results: dict[str, Result]) -> None:
    """What the table says of his three observations."""
    plain = [row for row in ROWS if not row.varied]
    kept = {colour: fmean(results[row.name].figures.kept[colour] for row in plain) for colour in COLOURS}
    twelve = [row for row in plain if [other.network for other in plain].count(row.network) > 1]
    vivid = {loss: fmean(_colourfulness(results, row) for row in twelve if row.loss == loss) for loss in LOSSES}
    varied = [row for row in ROWS if row.varied]
    narrow = [replace(row, varied=False) for row in varied]
    print(
        "\nOf the true colour is given back, in the mean of all runs: "
        + ", ".join(f"{colour} {share:.0%}" for colour, share in kept.items())
        + f".\nColourfulness by the squared error {vivid['mse']:.3f}, by the absolute error {vivid['mae']:.3f}."
        + f"\nColourfulness after landscapes {fmean(_colourfulness(results, row) for row in narrow):.3f},"
        + f" after varied photographs {fmean(_colourfulness(results, row) for row in varied):.3f}."
    )


def print_references(tested: Sequence[Photo]) -> None:
    """What a network gets by each loss that has found nothing."""
    for loss in LOSSES:
        recipe = row_recipe(next(row for row in ROWS if row.loss == loss), photos=1, full=False)
        grey, tint = (figure * UNIT for figure in losses_of_grey_and_tint(recipe, tested))
        print(f"On {len(tested):,} test photographs grey gets {grey:.1f} by {loss}, one tint {tint:.1f}.")


def _colourfulness(results: dict[str, Result], row: Row) -> float:
    return results[row.name].figures.colourfulness


if __name__ == "__main__":
    run(main)
