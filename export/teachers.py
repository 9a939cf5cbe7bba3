"""The colours that models give photographs, for another network to learn from: knowledge distillation.

    python -m export.teachers MODEL... --photos FOLDER_OR_TARS... --out FILE.npz

L of a photograph  ->  the mean of the teachers' ab, (h, w, 2) in Lab units, at a shorter side of SHORT_SIDE pixels

The truth of a photograph is one of the colourings that it could have had; the mean of what several models say is nearer
to the mean of all. Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, with colours in the
place of their soft targets. A recipe names its teachers under `[distillation]`; any model that `colorize-neural models`
lists can be one.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.cores import cores, on_threads
from colorize_neural.worker.pixels import lightness, scaled
from numpy.typing import NDArray

from export import run
from export.files import write_whole
from export.photos import Photo, find_photos
from export.recipe import Distillation
from export.systems import shrunk

SHORT_SIDE = 48  # pixels: what several models agree on is smooth
_LARGEST = 512  # pixels: no model that we know sees a photograph with a longer shorter side
_PROGRESS_EVERY = 1000  # photographs
_UNREADABLE = np.zeros((0, 0, 2), np.int8)


class Teachers:
    """What a file of `write_colours` holds, in memory: a byte for each a and b, 6 MB for a thousand photographs."""

    def __init__(self, file: Path, wanted: Distillation) -> None:
        """ColorizeError where it cannot be read, or is of other teachers than the recipe wants."""
        make_it = f"make it by python -m export.teachers {' '.join(wanted.teachers)}"
        try:
            with np.load(file) as kept:
                teachers, photos, sizes, values = (kept[name] for name in ("teachers", "photos", "sizes", "values"))
            parts = np.split(values, np.cumsum(sizes.prod(axis=1))[:-1])
            colours = [part.reshape(*size, 2) for part, size in zip(parts, sizes, strict=True)]
        except Exception as error:  # NumPy raises many kinds
            raise ColorizeError(f"{file} cannot be read as the colours of teachers ({error}): {make_it}.") from error
        if sorted(teachers.tolist()) != sorted(wanted.teachers):
            raise ColorizeError(f"{file} is of other teachers, {' '.join(teachers)}: {make_it}.")
        self._contrast = np.float32(wanted.contrast)
        self._colours = dict(zip(photos.tolist(), colours, strict=True))

    def check(self, photos: Iterable[Photo]) -> None:
        """ColorizeError where there is nothing of one of these photographs."""
        for photo in photos:
            if _key(photo) not in self._colours:
                raise ColorizeError(
                    f"The teachers have not seen {photo.name}: run python -m export.teachers with the same --photos."
                )

    def colours(self, photo: Photo) -> Float:
        """ab (h, w, 2) in Lab units, their contrast as the recipe wants it; ColorizeError where it was left out."""
        ab = self._colours[_key(photo)].astype(np.float32)
        if not ab.size:
            raise ColorizeError(f"The teachers could not read {photo.name}: remove it, or have them see it again.")
        mean = ab.mean(axis=(0, 1))
        return mean + self._contrast * (ab - mean)


def mean_colours(colorizer: Colorizer, models: Sequence[str], photo: Photo) -> NDArray[np.int8]:
    """The mean of the models' answers at their default temperatures: ab (h, w, 2), whole Lab units.

    Empty where the photograph cannot be read: one damaged file must not end hours of work.
    """
    try:
        L = lightness(shrunk(photo.rgb(), _LARGEST))
    except ColorizeError as error:
        warnings.warn(f"{error} It is left out.", stacklevel=1)
        return _UNREADABLE
    scale = SHORT_SIDE / min(L.shape)
    size = round(L.shape[0] * scale), round(L.shape[1] * scale)
    ab = np.mean([scaled(_answer(colorizer, model, L), size) for model in models], axis=0)
    return np.clip(np.rint(ab), -127, 127).astype(np.int8)


def _answer(colorizer: Colorizer, name: str, L: Float) -> Float:
    """ab (h', w', 2) of one model, in the size of its answer."""
    model, devices = colorizer.prepare(Options(model=name))
    seen = scaled(L, model.framing.working_size(*L.shape))
    return np.ascontiguousarray(colorizer.answer(model, devices, seen).ab)


def write_colours(colorizer: Colorizer, models: Sequence[str], photos: Sequence[Photo], out: Path) -> None:
    """Those of all photographs, into one file, whole or not at all.

    ColorizeError where a model cannot be used or the file cannot be written: both are tried before all else.
    """
    for model in models:
        colorizer.prepare(Options(model=model))
    if out.is_dir():
        raise ColorizeError(f"{out} is a folder: name a file in it.")
    trial = out.with_name(f"{out.name}.trial")
    _write(trial, b"")
    trial.unlink()
    found: list[NDArray[np.int8]] = []
    for start in range(0, len(photos), _PROGRESS_EVERY):
        found += on_threads(cores(), partial(mean_colours, colorizer, models), photos[start : start + _PROGRESS_EVERY])
        print(f"{len(found)} of {len(photos)} photographs", flush=True)
    content = io.BytesIO()
    np.savez(
        content,
        teachers=np.array(models),
        photos=np.array([_key(photo) for photo in photos]),
        sizes=np.array([ab.shape[:2] for ab in found]),
        values=np.concatenate([ab.reshape(-1, 2) for ab in found]),
    )
    _write(out, content.getvalue())


def _write(file: Path, content: bytes) -> None:
    try:
        write_whole(file, content)
    except OSError as error:
        raise ColorizeError(f"{file} cannot be written ({error.strerror}): name another file.") from error


def _key(photo: Photo) -> str:
    """A photograph's name, and its bytes, for in two folders there can be two of that name."""
    return f"{photo.size} {photo.name}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.teachers", description="Has models colour photographs.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="ids that the manifest knows, or of added models")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars")
    parser.add_argument("--out", type=Path, required=True, help="the file, NAME.npz")
    parser.add_argument("--folder", type=Path, default=settings.models_folder(), help="the models folder")
    chosen = parser.parse_args(arguments)
    colorizer = Colorizer(chosen.folder, settings.added_models_folder(), threads=1)
    write_colours(colorizer, chosen.models, find_photos(chosen.photos), chosen.out)


if __name__ == "__main__":
    run(main)
