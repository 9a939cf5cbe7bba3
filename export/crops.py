"""Crops of photographs as a network in training sees them.

Photo  ->  L (1, crop, crop), 0..100, perhaps degraded;  ab (2, crop/stride, crop/stride), Lab units, perhaps graded;
           teachers, as ab: what they say, where there are some and the crop is a random one

In validation it is the whole middle square, at the scale at which a largest crop has its own size. Where the recipe
has a padding, it is the whole photograph, fitted into a square of that lightness.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float, lab_from_rgb
from colorize_neural.worker.framing import OneSize
from colorize_neural.worker.pixels import scaled
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from export.augment import Turn
from export.degrade import degrade, frame
from export.grading import STYLES, graded
from export.photos import Photo
from export.recipe import Data
from export.teachers import Teachers

_NONE = "None of the photographs can be read: name others."


class Crops(Dataset[dict[str, Tensor]]):
    """crops[place] is the whole middle of a photograph, clean; crops[place, seed] a random crop, as in training.

    The seed alone decides what is random, so a crop is the same whichever process makes it.
    """

    def __init__(self, photos: list[Photo], data: Data, teachers: Teachers | None = None) -> None:
        """ColorizeError where the teachers have not seen one of the photographs."""
        self.photos = photos
        self.data = data
        self.teachers = teachers
        if teachers:
            teachers.check(photos)

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, wanted: int | tuple[int, int]) -> dict[str, Tensor]:
        if isinstance(wanted, int):
            rgb, _ = self._readable(wanted)
            lab = _whole(rgb, self.data)
            return self._tensors(lab[..., 0], lab[..., 1:])
        place, seed = wanted
        random = np.random.default_rng(seed)
        lab = _random_crop(*self._readable(place), self.data, random)
        if random.random() >= self.data.degraded:
            return self._tensors(lab[..., 0], lab[..., 1:])
        lab = frame(lab, random)
        return self._tensors(degrade(np.ascontiguousarray(lab[..., 0]), random), lab[..., 1:])

    def _tensors(self, L: Float, ab: Float) -> dict[str, Tensor]:
        """ab (crop, crop, 2), or 4, those of the teachers too."""
        channels = np.moveaxis(reduced(ab, self.data.stride), -1, 0)
        tensors = {"L": L[None], "ab": channels[:2]}
        if len(channels) > 2:
            tensors["teachers"] = channels[2:]
        return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in tensors.items()}

    def _readable(self, index: int) -> tuple[NDArray[np.uint8], Float | None]:
        """The photograph and what teachers say of it, or the next: one damaged file must not end hours of training."""
        for step in range(len(self)):
            photo = self.photos[(index + step) % len(self)]
            try:
                return photo.rgb(), self.teachers.colours(photo) if self.teachers else None
            except ColorizeError as error:
                warnings.warn(f"{error} The next one is taken instead.", stacklevel=1)
        raise ColorizeError(_NONE)


def reduced(lab: Float, stride: int) -> Float:
    """Lab or ab (h, w, channels) -> the same (h/stride, w/stride, channels), the mean of each square."""
    h, w = lab.shape[:2]
    return cv2.resize(np.ascontiguousarray(lab), (w // stride, h // stride), interpolation=cv2.INTER_AREA)


def from_sources(photos: list[Photo], sources: list[str]) -> list[Photo]:
    """The photographs that are of these sources, all where none is named; ColorizeError where there is none."""
    found = [photo for photo in photos if photo.source in sources] if sources else photos
    if not found:
        raise ColorizeError(f"No photograph lies in a folder {' or '.join(sources)}: mend the sources of the recipe.")
    return found


def split_photos(photos: list[Photo], held_out: float) -> tuple[list[Photo], list[Photo]]:
    """Photographs to train on, and those evenly drawn from the list that are kept for validation."""
    drawn = {int((number + 0.5) / held_out) for number in range(len(photos))}
    learned = [photo for place, photo in enumerate(photos) if place not in drawn]
    return learned, [photo for place, photo in enumerate(photos) if place in drawn]


def sampling_weights(photos: list[Photo], sampling: dict[str, float]) -> list[float]:
    """How likely each photograph is drawn, by its source; 1 where the recipe does not name it."""
    return [sampling.get(photo.source, 1.0) for photo in photos]


def colours_of(photos: list[Photo], data: Data, weights: list[float], sample: int = 2000) -> Iterator[Float]:
    """Lab (n, 3) of photographs drawn as in training, one after the other; a damaged one is left out.

    ColorizeError where all of them are.
    """
    found, random = False, np.random.default_rng(0)
    chances = np.array(weights) / sum(weights)
    for place in random.choice(len(photos), size=min(sample, len(photos)), p=chances):
        try:
            rgb = photos[place].rgb()
        except ColorizeError as error:
            warnings.warn(f"{error} It is left out.", stacklevel=1)
            continue
        found = True
        yield reduced(_whole(rgb, data), data.stride).reshape(-1, 3)
    if not found:
        raise ColorizeError(_NONE)


def _random_crop(rgb: NDArray[np.uint8], teachers_ab: Float | None, data: Data, random: np.random.Generator) -> Float:
    """Lab of a square, or of the whole photograph where it is padded to one; mirrored one time in two.

    A photograph is turned and stretched before a square is cut, and mirrored beyond its edges.

    teachers_ab: (h', w', 2), of the whole photograph; the same part of it becomes two more channels
    """
    if data.padding is None:
        h, w = rgb.shape[:2]
        if data.rotation or data.stretch > 1:
            turn = Turn.drawn(data.rotation, data.stretch, random)
            rgb = turn.of(rgb, (h, w))
            teachers_ab = None if teachers_ab is None else turn.of(teachers_ab, (h, w))
        side = round(min(h, w) * random.uniform(data.smallest, data.largest))
        top, left = random.integers(h - side + 1), random.integers(w - side + 1)
        lab = _lab(scaled(rgb[top : top + side, left : left + side], (data.crop, data.crop)), data)
        if teachers_ab is not None:
            lab = np.dstack([lab, _part(teachers_ab, (h, w), (top, left), side, data.crop)])
    else:
        lab = _whole(rgb, data)
    return lab[:, ::-1] if random.random() < 0.5 else lab


def _part(ab: Float, size: tuple[int, int], corner: tuple[int, int], side: int, crop: int) -> Float:
    """Of ab (h', w', 2), which stands for pixels of that size, the square at the corner -> (crop, crop, 2)."""
    (dy, y), (dx, x) = (
        (scale * side / crop, scale * (first + side / crop / 2) - 0.5)  # from the middle of one pixel to the next one's
        for scale, first in ((small / large, at) for small, large, at in zip(ab.shape[:2], size, corner, strict=True))
    )
    matrix = np.array([[dx, 0, x], [0, dy, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(ab, matrix, (crop, crop), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _whole(rgb: NDArray[np.uint8], data: Data) -> Float:
    """Lab of the middle square, or of the whole photograph where it is padded to one."""
    h, w = rgb.shape[:2]
    if data.padding is None:
        side, wanted = min(h, w), round(data.crop / data.largest)
        top, left = (h - side) // 2, (w - side) // 2
        return _lab(scaled(rgb[top : top + side, left : left + side], (wanted, wanted)), data)
    of_L, of_ab = OneSize(data.crop, data.padding), OneSize(data.crop, padding=0.0)
    lab = _lab(scaled(rgb, of_L.working_size(h, w)), data)
    return np.dstack([of_L.framed(lab[..., 0]), of_ab.framed(lab[..., 1:])])


def _lab(rgb: NDArray[np.uint8], data: Data) -> Float:
    """In the colours of the recipe's style."""
    return graded(lab_from_rgb(rgb.astype(np.float32) / np.float32(255)), STYLES[data.grade])
