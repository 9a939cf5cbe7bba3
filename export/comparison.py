"""What the comparisons of papers share: runs that differ in a few numbers of a recipe, and what is measured of each.

a recipe and photographs  ->  a trained network  ->  its loss, and how much of which colours it gives back
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
from colorize_neural.worker.color import Float
from numpy.typing import NDArray

from export.crops import Crops
from export.evaluate import Tally
from export.losses import LOSSES
from export.metrics import Rgb, colourfulness
from export.photos import Photo
from export.recipe import Recipe
from export.sheet import Sheet
from export.systems import GREY, TRUTH, grey_from_lightness, painted
from export.to_onnx import load_run
from export.train import LAST, Training, train

PICTURE_HEADS = ("ab error, of grey's", "PSNR gained", "colourfulness")
#  of regressions: which of all values of an axis is the one that has the smallest loss
BEST_OF: dict[str, Callable[..., Any]] = {"squared-error": np.mean, "absolute-error": np.median}


@dataclass(frozen=True)
class Colours:
    """Those of some chroma, Lab units, and some hue, degrees from the a axis towards b; from and to."""

    chroma: tuple[float, float] = (10.0, inf)
    hue: tuple[float, float] = (0.0, 360.0)

    def among(self, ab: Float) -> NDArray[np.bool_]:
        """Which of ab (2, h, w) are of these."""
        chroma, hue = np.hypot(*ab), np.degrees(np.arctan2(ab[1], ab[0]))
        has_hue: NDArray[np.bool_] = (hue - self.hue[0]) % 360 < self.hue[1] - self.hue[0]
        return has_hue & (self.chroma[0] <= chroma) & (chroma < self.chroma[1])


@dataclass(frozen=True)
class LossFigures:
    """What is measured of a run on the largest squares of photographs."""

    loss: float  # the recipe's own
    loss_of_grey: float
    colourfulness: float  # share of the truth's
    kept: dict[str, float]  # of each kind of colours: 1 as much colour as the truth, 0 grey, less the opposite colour

    @property
    def share_of_grey(self) -> float:
        """The loss, 1 where the network is no better than grey."""
        return self.loss / self.loss_of_grey


@dataclass(frozen=True)
class PictureFigures:
    """What is measured of photographs in the colours that were found."""

    ab_error_share: float  # of grey's
    psnr_gained: float  # dB over grey
    colourfulness: float  # share of the truth's

    def cells(self) -> tuple[str, str, str]:
        """Of a table, below PICTURE_HEADS."""
        return f"{self.ab_error_share:.3f}", f"{self.psnr_gained:+.2f}", f"{self.colourfulness:.3f}"


@dataclass(frozen=True)
class Seen:
    """One photograph's middle: L (h, w), and ab (2, h, w) as found and in truth."""

    L: Float
    found: Float
    true: Float

    def rgb(self, ab: Float) -> Rgb:
        """The photograph in those colours."""
        return painted(self.L, np.moveaxis(ab, 0, -1))

    def grey(self) -> Rgb:
        """The photograph without colours."""
        return grey_from_lightness(self.L)

    def coloured(self) -> Rgb:
        """The photograph in the colours that were found."""
        return self.rgb(self.found)


Picture = Callable[[Seen], Rgb]


def trained(
    recipe: Recipe,
    name: str,
    photos: list[Photo],
    chosen: argparse.Namespace,
    validation: list[Photo] | None = None,
) -> tuple[Training, int]:
    """The network after its minutes, and the crops that it was shown; the run goes on where it was interrupted.

    `chosen` has the options of `add_budget`.
    """
    print(f"{name} ...", flush=True)
    out, minutes = (chosen.out / f"{name}-full", None) if chosen.full else (chosen.out / name, chosen.minutes)
    options = {"enable_progress_bar": False, "enable_model_summary": False}
    train(recipe, photos, out, options, loaders=1, minutes=minutes, validation=validation)
    steps: int = torch.load(out / LAST, map_location="cpu", weights_only=True)["global_step"]
    return load_run(out), steps * recipe.optimizer.batch


def seen(training: Training, photos: Sequence[Photo]) -> Iterator[Seen]:
    """The photographs as the network colours them, at the scale that it was trained at."""
    colorizer, crops = training.colorizer(), Crops(list(photos), training.recipe.data)
    temperature = torch.tensor([training.recipe.manifest.temperature or 1.0])
    for crop in (crops[place] for place in range(len(crops))):
        with torch.no_grad():
            ab = colorizer(crop["L"][None], temperature)[0]
        yield Seen(crop["L"][0].numpy(), ab.numpy(), crop["ab"].numpy())


def mean_loss(training: Training, photos: Sequence[Photo]) -> float:
    """Of the largest squares of these photographs."""
    losses = [float(training.loss(*_tensors(one.found, one.true))) for one in seen(training, photos)]
    return float(np.mean(losses))


def losses_of_grey_and_tint(recipe: Recipe, photos: Sequence[Photo]) -> tuple[float, float]:
    """A regression's losses where nothing is found: of grey, and of the one tint that is best for these photographs."""
    crops = Crops(list(photos), recipe.data)
    true = torch.stack([crops[place]["ab"] for place in range(len(crops))])
    tint = BEST_OF[recipe.loss.name](true.numpy(), axis=(0, 2, 3), keepdims=True)
    loss = LOSSES[recipe.loss.name](**recipe.loss.options)
    return float(loss(0 * true, true)), float(loss(torch.from_numpy(tint), true))


def measure(training: Training, photos: Sequence[Photo], colours: dict[str, Colours]) -> LossFigures:
    """All figures of a network for regression, on these photographs."""
    losses, greys, found, true = [], [], [], []
    towards, chromas = dict.fromkeys(colours, 0.0), dict.fromkeys(colours, 0.0)
    for one in seen(training, photos):
        losses.append(float(training.loss(*_tensors(one.found, one.true))))
        greys.append(float(training.loss(*_tensors(0 * one.true, one.true))))
        found.append(colourfulness(one.rgb(one.found)))
        true.append(colourfulness(one.rgb(one.true)))
        chroma = np.hypot(*one.true)
        along = (one.found * one.true).sum(axis=0) / np.maximum(chroma, 1e-6)
        for name, kind in colours.items():
            among = kind.among(one.true)
            towards[name] += float(along[among].sum())
            chromas[name] += float(chroma[among].sum())
    return LossFigures(
        loss=float(np.mean(losses)),
        loss_of_grey=float(np.mean(greys)),
        colourfulness=float(np.mean(found) / np.mean(true)),
        kept={name: towards[name] / chromas[name] if chromas[name] else 0.0 for name in colours},
    )


def measure_pictures(training: Training, photos: Sequence[Photo], picture: Picture = Seen.coloured) -> PictureFigures:
    """Of any network; `picture` makes of what was seen the picture that is looked at."""
    plain, found, truth = Tally(), Tally(), Tally()
    for one in seen(training, photos):
        true = one.rgb(one.true)
        plain.add(one.grey(), true)
        found.add(picture(one), true)
        truth.add(true, true)
    return PictureFigures(found.error_share(plain), found.psnr_gained(plain), found.colourfulness_share(truth))


def sheet_of(columns: Mapping[str, tuple[Training, Picture]], photos: Sequence[Photo]) -> Sheet:
    """Grey, the photographs as each column shows them, and the truth."""
    sheet = Sheet(len(photos), cell=160)
    for ones in zip(*(seen(training, photos) for training, _ in columns.values()), strict=True):
        shown = zip(columns.items(), ones, strict=True)
        results = {name: picture(one) for (name, (_, picture)), one in shown}
        sheet.add({GREY: ones[0].grey(), **results, TRUTH: ones[0].rgb(ones[0].true)})
    return sheet


def print_row(*cells: str) -> None:
    """One line of a Markdown table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def print_heads(*heads: str) -> None:
    """The head of a Markdown table."""
    print_row(*heads)
    print(f"|{'---|' * len(heads)}", flush=True)


def add_budget(parser: argparse.ArgumentParser, out: Path) -> None:
    """The options that all comparisons have."""
    parser.add_argument("--out", type=Path, default=out, help="the folder of the runs' folders")
    parser.add_argument("--tested", type=int, default=500, help="measure on at most so many photographs")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--minutes", type=float, default=5.0, help="of training for each run")
    scale.add_argument("--full", action="store_true", help="the width and the length of the paper instead")


def _tensors(*arrays: Float) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array)[None] for array in arrays)
