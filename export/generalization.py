"""Asks what a model has learned by heart:  python -m export.generalization RECIPE... --photos FOLDER_OR_TARS...

photographs that a recipe's model learned from, others of the same sources that it did not  ->  the ab error on each

The photographs are all that it was trained with: which of them were held out, the recipe tells. A gap between the two
is what other photographs, or stronger augmentation, could close; where there is none, a larger network could.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.color import Float
from colorize_neural.worker.colorizer import Colorizer, Options

from export import run
from export.crops import from_sources, split_photos
from export.evaluate import Row, print_table
from export.metrics import ab_error
from export.photos import Photo, find_photos, spread
from export.recipe import read_recipe
from export.systems import System, grey, model_system, shrunk

_FOR_EACH = 5  # photographs that were learned from, for each that was held out: a few of one source differ much


def generalization(system: System, photos: list[Photo], held_out: float) -> dict[str, Row]:
    """A row for each source, the one with most photographs held out first, then one for all together.

    A source has none where no photograph of it was held out, or none learned from; ColorizeError where none has one.
    """
    learned, kept = split_photos(photos, held_out)
    errors: dict[str, list[Float]] = {}
    for source, count in Counter(photo.source for photo in kept).most_common():
        others, same = ([photo for photo in some if photo.source == source] for some in (kept, learned))
        if same:
            errors[source] = [_errors(system, others), _errors(system, spread(same, _FOR_EACH * count))]
    if not errors:
        raise ColorizeError(
            "No source has photographs of both kinds, held out and learned from: name all that it was trained with."
        )
    errors["all"] = [np.concatenate(some) for some in zip(*errors.values(), strict=True)]
    return {
        f"{source} ({len(others)})": {"held_out": _share(others), "learned": _share(same)}
        for source, (others, same) in errors.items()
    }


def _errors(system: System, photos: Iterable[Photo]) -> Float:
    """(n, 2): the ab errors of the system and of grey."""
    truths = (shrunk(photo.rgb()) for photo in photos)
    return np.array([(ab_error(system(truth), truth), ab_error(grey(truth), truth)) for truth in truths])


def _share(errors: Float) -> float:
    found, plain = errors.sum(axis=0)
    return float(found / plain)


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
