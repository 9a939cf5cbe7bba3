"""What models say of photographs, for another one to learn from:  python -m export.lessons MODEL... --photos PHOTOS

L of a photograph  ->  the mean of the models' ab, (h, w, 2) in Lab units, at a shorter side of SHORT_SIDE pixels

A photograph's truth is one of the colours that it could have had; what several models say together is nearer to their
mean. Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015. A recipe says under `[taught]` how
much of it a network learns. Any model will do that `colorize-neural models` lists, those that the user added too.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float
from colorize_neural.worker.colorizer import Colorizer, Options, scaled
from colorize_neural.worker.cores import cores, on_threads
from colorize_neural.worker.pixels import lightness

from export import run
from export.files import write_whole
from export.photos import Photo, find_photos
from export.recipe import Taught

SHORT_SIDE = 48  # pixels: what three or four models agree on is smooth
_AT_ONCE = 2000  # photographs between two words of progress


class Lessons:
    """A file of them, in memory: a byte for each a and b, 6 MB for a thousand photographs."""

    def __init__(self, file: Path, taught: Taught) -> None:
        """ColorizeError where it cannot be read."""
        self._taught = taught
        try:
            with np.load(file) as kept:
                names, sizes, values = kept["names"].tolist(), kept["sizes"], kept["values"]
            ends = np.cumsum([0, *sizes.prod(axis=1)])
            self._by_name = {
                name: values[start:end].reshape(*size, 2)
                for name, size, (start, end) in zip(names, sizes, pairwise(ends), strict=True)
            }
        except Exception as error:  # NumPy raises many kinds
            raise ColorizeError(f"{file} holds no lessons: make it by python -m export.lessons.") from error

    def check(self, photos: Iterable[Photo]) -> None:
        """ColorizeError where there is none of one of these photographs."""
        for photo in photos:
            if photo.name not in self._by_name:
                raise ColorizeError(
                    f"There is no lesson of {photo.name}: run python -m export.lessons with the same --photos."
                )

    def of(self, photo: Photo) -> Float:
        """ab (h, w, 2) in Lab units, as far apart as the recipe wants them; KeyError where there is none."""
        ab = self._by_name[photo.name].astype(np.float32)
        mean = ab.mean(axis=(0, 1))
        return mean + np.float32(self._taught.spread) * (ab - mean)

    def mixed(self, ab: Float, lesson: Float) -> Float:
        """What is to be learned of a true ab (h, w, 2) and the lesson in its place."""
        return ab + np.float32(self._taught.share) * (lesson - ab)


def lesson(colorizer: Colorizer, models: Sequence[str], photo: Photo) -> Float:
    """The mean of what the models say at their default temperatures: ab (h, w, 2) in Lab units."""
    L = lightness(photo.rgb())
    scale = SHORT_SIDE / min(L.shape)
    size = tuple(round(side * scale) for side in L.shape)
    return np.mean([cv2.resize(_ab_of(colorizer, model, L), size[::-1]) for model in models], axis=0, dtype=np.float32)


def _ab_of(colorizer: Colorizer, wanted: str, L: Float) -> Float:
    """What one model says, (h', w', 2), as small as it says it."""
    model, devices = colorizer.prepare(Options(model=wanted))
    seen = scaled(L, model.framing.working_size(*L.shape))
    answer = devices.run(model.framing.framed(seen), [model.default_temperature or 1.0])
    return np.ascontiguousarray(model.framing.unframed(answer.ab, seen.shape)[0])


def write_lessons(colorizer: Colorizer, models: Sequence[str], photos: Sequence[Photo], out: Path) -> None:
    """One of each photograph, into one file, whole or not at all; ColorizeError where it cannot be written."""
    for model in models:
        colorizer.prepare(Options(model=model))  # an unknown one is told at once
    found: list[Float] = []
    for start in range(0, len(photos), _AT_ONCE):
        found += on_threads(cores(), partial(lesson, colorizer, models), photos[start : start + _AT_ONCE])
        print(f"{len(found)} of {len(photos)} photographs", flush=True)
    values = [np.clip(np.rint(ab), -127, 127).astype(np.int8).reshape(-1, 2) for ab in found]
    content = io.BytesIO()
    np.savez(
        content,
        names=np.array([photo.name for photo in photos]),
        sizes=np.array([ab.shape[:2] for ab in found]),
        values=np.concatenate(values),
    )
    try:
        write_whole(out, content.getvalue())
    except OSError as error:
        raise ColorizeError(f"{out} cannot be written: {error.strerror}; name another file.") from error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.lessons", description="Asks models for lessons.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="ids that the manifest knows, or of added models")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars")
    parser.add_argument("--out", type=Path, required=True, help="the file, NAME.npz")
    parser.add_argument("--folder", type=Path, default=settings.models_folder(), help="the models folder")
    chosen = parser.parse_args(arguments)
    colorizer = Colorizer(chosen.folder, settings.added_models_folder(), threads=1)
    write_lessons(colorizer, chosen.models, find_photos(chosen.photos), chosen.out)


if __name__ == "__main__":
    run(main)
