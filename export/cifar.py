"""Li and Wang's experiment: does a classifier recognise what was coloured?  python -m export.cifar --photos CIFAR

CIFAR-10 as pictures, train/CLASS/NAME and test/CLASS/NAME in a folder or tar  ->  one table, theirs beside ours
cifar10_jpeg.npz (jpeg: all files end to end, offset, label, classes, n_train)  ->  such a tar, made beside the runs

Colorizers are trained on the training photographs, of 32 x 32 pixels, each for the same epochs. The judge is a
pretrained classifier that learned the classes in true colours by its last block, and takes no part in the colorizers.
It then names the classes of test photographs in grey, coloured by each system, and in true colours.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.colorizer import Colorizer, Options
from numpy.typing import NDArray

from export import run
from export.comparison import print_heads, print_row
from export.metrics import ab_error
from export.photos import Photo, find_photos, spread
from export.recipe import RECIPES, Recipe, changed, read_recipe
from export.recogniser import Classes, Recogniser
from export.systems import System, grey, itself, model_system
from export.to_onnx import load_run, write_run
from export.train import train

SIDE = 32  # pixels
TRANSFER_SIDE = 64  # pixels; theirs is 224
MODE, MEAN, THEIRS = 0.05, 1.0, 0.89  # temperatures


@dataclass(frozen=True)
class Row:
    """A system of the table: a model of RECIPES and a temperature, or none where the photograph is only shown."""

    name: str
    theirs: int | None  # per cent
    model: str = ""
    temperature: float | None = None


ROWS = [
    Row("grey", 22),
    Row("regression", 46, "wang2018-regression"),
    Row("classification, mode", 57, "wang2018-classification", MODE),
    Row("classification, mean", None, "wang2018-classification", MEAN),
    Row("classification, annealed mean", 65, "wang2018-classification", THEIRS),
    Row("transfer, annealed mean", 63, "wang2018-transfer", THEIRS),
    Row("truth", 80),
]


def cifar_recipe(model: str, crops: int) -> Recipe:
    """A recipe of the paper at the size of these photographs, whole ones, for so many of them."""
    recipe = read_recipe(RECIPES / f"{model}.toml")
    side = TRANSFER_SIDE if model.endswith("transfer") else SIDE
    manifest = {"size": {"short_side": side}, "trained_on": "CIFAR-10's training set"}
    data, optimizer = {"crop": side, "smallest": 1.0}, {"crops": crops}
    return changed(recipe, {"data": data, "optimizer": optimizer, "manifest": manifest})


def unpacked(place: Path, out: Path) -> Path:
    """The tar of pictures that an .npz holds, itself or in a folder; every other place as it is."""
    file = next(place.glob("*.npz"), place)
    if file.suffix != ".npz":
        return place
    tar = out / "cifar10.tar"
    if not tar.exists():
        with np.load(file) as packed:
            jpeg, offset, label = packed["jpeg"].tobytes(), packed["offset"], packed["label"]
            classes, training = packed["classes"].tolist(), int(packed["n_train"])
        out.mkdir(parents=True, exist_ok=True)
        beside = tar.with_suffix(".part")
        with tarfile.open(beside, "w") as pictures:
            for number, (start, end) in enumerate(pairwise(offset)):
                half = "train" if number < training else "test"
                member = tarfile.TarInfo(f"{half}/{classes[label[number]]}/{number:05}.jpg")
                member.size = int(end - start)
                pictures.addfile(member, io.BytesIO(jpeg[start:end]))
        beside.replace(tar)
    return tar


def classes_of(photos: Sequence[Photo], names: list[str]) -> Classes:
    """The number of each one's class."""
    return np.array([names.index(class_of(photo)) for photo in photos])


def class_of(photo: Photo) -> str:
    """The folder it lies in."""
    return photo.source.rpartition("/")[2]


def split(photos: list[Photo]) -> tuple[list[Photo], list[Photo], list[Photo]]:
    """Those for training, and the two halves of those for testing; ColorizeError where there are none."""
    learned, tested = ([photo for photo in photos if f"{half}/" in photo.name] for half in ("train", "test"))
    if not learned or not tested:
        raise ColorizeError("These are no train/CLASS and test/CLASS folders of photographs: name CIFAR-10's.")
    return learned, tested[::2], tested[1::2]


def systems_of(out: Path) -> dict[str, System]:
    """Every row's own way to show a photograph."""
    colorizer = Colorizer(out / "models")
    systems: dict[str, System] = {"grey": grey, "truth": itself}
    for row in ROWS:
        if row.model:
            systems[row.name] = model_system(colorizer, Options(model=row.model, temperature=row.temperature))
    return systems


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.cifar", description="Li and Wang's experiment.")
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        required=True,
        help="CIFAR-10: a folder or tar of pictures, or of the .npz",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/cifar"), help="the folder of the runs")
    parser.add_argument("--epochs", type=float, default=4.0, help="of each colorizer's training (100, transfer 50)")
    parser.add_argument("--judged", type=int, default=5000, help="photographs that the judge learns from (10,000)")
    parser.add_argument("--tested", type=int, default=1000, help="photographs that it is shown (1,000)")
    chosen = parser.parse_args(arguments)
    learned, dev, tested = split(find_photos([unpacked(place, chosen.out) for place in chosen.photos]))
    for model in sorted({row.model for row in ROWS if row.model}):
        folder = chosen.out / model
        train(cifar_recipe(model, round(chosen.epochs * len(learned))), learned, folder, {}, loaders=1)
        write_run(load_run(folder), chosen.out / "models")
    names = sorted({class_of(photo) for photo in learned})
    judge = trained_judge(spread(learned, chosen.judged), spread(dev, chosen.tested), names)
    print_table(judge, spread(tested, chosen.tested), names, systems_of(chosen.out))


def trained_judge(photos: Sequence[Photo], dev: Sequence[Photo], names: list[str]) -> Recogniser:
    """It learns from some photographs in their own colours, and others tell when it is at its best."""
    judge = Recogniser(len(names))
    shown = [((photo.rgb() for photo in some), classes_of(some, names)) for some in (photos, dev)]
    right = judge.learn(*shown[0], *shown[1])
    print(f"The judge names {right:.1%} of {len(dev)} other photographs right.", flush=True)
    return judge


def print_table(judge: Recogniser, photos: Sequence[Photo], names: list[str], systems: dict[str, System]) -> None:
    """As Markdown: how often the judge names the right class, theirs and ours, beside grey and their row before."""
    truths, wanted = [photo.rgb() for photo in photos], classes_of(photos, names)
    differences = ("more than grey", "more than their row before")
    print_heads("system", "recognised, theirs", "recognised, ours", *differences, "ab error")
    theirs: list[NDArray[np.bool_]] = []  # which photographs are named right, of the rows that they have too
    for row in ROWS:
        shown = [systems[row.name](truth) for truth in truths]
        right = judge.name(shown) == wanted
        beside = [difference(right, other) for other in (theirs[0], theirs[-1])] if theirs else ["", ""]
        error = np.mean([ab_error(one, truth) for one, truth in zip(shown, truths, strict=True)])
        their_share = "" if row.theirs is None else f"{row.theirs} %"
        print_row(row.name, their_share, f"{right.mean():.1%}", *beside, f"{error:.2f}")
        if row.theirs is not None:
            theirs.append(right)


def difference(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> str:
    """How many more of the same photographs are right, per cent, and what chance may have added or taken (95 %)."""
    more = one.astype(np.float64) - other
    return f"{100 * more.mean():+.1f} ± {196 * more.std() / len(more) ** 0.5:.1f}"


if __name__ == "__main__":
    run(main)
