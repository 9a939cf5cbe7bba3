"""Photographs for training and evaluation, read from folders and from tars.

a folder, a tar, or a folder of tars  ->  Photo(name, source).rgb(): uint8 (h, w, 3)
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from colorize_neural.errors import ColorizeError
from numpy.typing import NDArray

Item = TypeVar("Item")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Photo:
    """Where one photograph's encoded bytes lie; `name` is its path inside the folder or tar."""

    name: str
    file: Path
    offset: int
    size: int

    @property
    def source(self) -> str:
        """The folder it lies in: which collection it comes from."""
        return os.path.dirname(self.name)  # noqa: PTH120, a name in a tar is no path of this machine

    def rgb(self) -> NDArray[np.uint8]:
        """The pixels, uint8 (h, w, 3); ColorizeError when the file is no readable photograph."""
        try:
            with self.file.open("rb") as stream:
                stream.seek(self.offset)
                encoded = np.frombuffer(stream.read(self.size), np.uint8)
        except OSError as error:
            raise ColorizeError(f"{self.name} in {self.file} cannot be read ({error.strerror}): mend it.") from error
        bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
        if bgr is None:
            raise ColorizeError(f"{self.name} in {self.file} is not a readable photograph: remove it.")
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def find_photos(places: Iterable[Path]) -> list[Photo]:
    """All photographs in folders (searched through) and tars, sorted by name; ColorizeError when there is none."""
    places = list(places)
    for place in places:
        if not place.exists():
            raise ColorizeError(f"There is no {place}: check the name.")
    found = sorted((photo for place in places for photo in _photos_at(place)), key=lambda photo: photo.name)
    if not found:
        raise ColorizeError(f"There is no photograph in {', '.join(map(str, places))}; name a folder or a tar.")
    return found


def _photos_at(place: Path) -> Iterator[Photo]:
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    for file in files:
        if file.name.startswith("."):  # what a killed program left
            continue
        if file.suffix == ".tar":
            yield from _photos_in_tar(file)
        elif file.suffix.lower() in SUFFIXES:
            name = str(file.relative_to(place)) if place.is_dir() else file.name
            yield Photo(name, file, 0, file.stat().st_size)


def _photos_in_tar(file: Path) -> Iterator[Photo]:
    try:
        with tarfile.open(file, "r:") as tar:  # a compressed one has no places to read from
            for member in tar:
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield Photo(member.name, file, member.offset_data, member.size)
    except (OSError, tarfile.TarError) as error:
        raise ColorizeError(f"{file} cannot be read as a tar that is not compressed ({error}): mend it.") from error


def spread(items: Sequence[Item], count: int) -> Sequence[Item]:
    """At most `count` of the items, evenly from first to last."""
    return items[:: -(-len(items) // count)]
