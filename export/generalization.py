"""Asks what a model has learned by heart:  python -m export.generalization RECIPE... --photos FOLDER_OR_TARS...

photographs that a recipe's model learned from, others of the same sources that it did not  ->  the ab error on each

The photographs are the very files that it was trained with: the recipe tells which of them were held out, by their
places in the list of all. A gap between the two is what other photographs, or stronger augmentation, could close; where
there is none, a larger network could.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.color import Float
from colorize_neural.worker.colorizer import Colorizer, Options

from export import run
from export.crops import from_sources, split_photos
from export.evaluate import Row, print_table
from export.metrics import Rgb, ab_error
from export.photos import Photo, find_photos, spread
from export.recipe import read_recipe
from export.systems import System, grey, model_system, shrunk

_FOR_EACH = 5  # photographs that were learned from, for each that was held out: a few of one source differ much


def generalization(system: System, photos: list[Photo], held_out: float) -> dict[str, Row]:
    """A row for each source, the one with most photographs held out first, then one for all together.

    A source has none where no coloured photograph of it was held out, or none learned from; ColorizeError where none
    has one. In the last row each source has the weight of its photographs held out, in both columns.
    """
    learned, kept = split_photos(photos, held_out)
    counts: dict[str, int] = {}
    means: dict[str, Float] = {}  # held out and learned from, of the system and of grey
    for source, count in Counter(photo.source for photo in kept).most_common():
        others, same = ([photo for photo in some if photo.source == source] for some in (kept, learned))
        mean = np.array([_mean_errors(system, some) for some in (others, spread(same, _FOR_EACH * count))])
        if mean[:, 1].all():
            name = source or "photographs"
            counts[name], means[name] = count, mean
    if not means:
        raise ColorizeError(
            "No source has colour photographs of both kinds, held out and learned from: name all it was trained with."
        )
    means["all"] = np.average(list(means.values()), axis=0, weights=list(counts.values()))
    counts["all"] = sum(counts.values())
    return {f"{name} ({counts[name]})": _shares(mean) for name, mean in means.items()}


def _shares(means: Float) -> Row:
    held_out, learned = means[:, 0] / means[:, 1]
    return {"held_out": float(held_out), "learned": float(learned)}


def _mean_errors(system: System, photos: Iterable[Photo]) -> Float:
    """Of the system and of grey, in Lab units; 0 where there is no photograph."""
    errors = [(ab_error(system(truth), truth), ab_error(grey(truth), truth)) for truth in _readable(photos)]
    return np.mean(errors or [(0.0, 0.0)], axis=0)


def _readable(photos: Iterable[Photo]) -> Iterator[Rgb]:
    """As training does, it goes on without damaged ones: with one file fewer, others would count as held out."""
    for photo in photos:
        try:
            yield shrunk(photo.rgb())
        except ColorizeError:
            warnings.warn(f"{photo.name} is not a readable photograph: it is left out.", stacklevel=2)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m export.generalization", description=__doc__.partition(":")[0] + "."
    )
    parser.add_argument("recipes", type=Path, nargs="+", metavar="RECIPE", help="of models that the manifest knows")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="all that they were trained with")
    parser.add_argument("--folder", type=Path, default=models_folder(), help="the models folder")
    chosen = parser.parse_args(arguments)
    colorizer, photos = Colorizer(chosen.folder), find_photos(chosen.photos)
    for recipe in map(read_recipe, chosen.recipes):
        system = model_system(colorizer, Options(model=recipe.manifest.id))
        seen = from_sources(photos, recipe.data.sources)
        rows = generalization(system, seen, recipe.data.held_out)
        print_table(f"The ab error of {recipe.manifest.id}, share of grey's:", rows)


if __name__ == "__main__":
    run(main)
