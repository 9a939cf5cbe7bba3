"""Makes many pictures of each photograph, so that a network cannot learn them by heart.

photograph (h, w, channels)  ->  the same size, turned and stretched about its middle
batch of crops               ->  some of them with a part of another, anywhere in them
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Pixel = TypeVar("Pixel", np.uint8, np.float32)


@dataclass(frozen=True)
class Turn:
    """A random affine map: by how many degrees, and how many times as wide for its height."""

    degrees: float
    stretch: float

    @classmethod
    def drawn(cls, rotation: float, stretch: float, random: np.random.Generator) -> Turn:
        """At most `rotation` degrees either way, at most `stretch` times as wide or as high."""
        return cls(random.uniform(-rotation, rotation), stretch ** random.uniform(-1, 1))

    def of(self, image: NDArray[Pixel], size: tuple[int, int]) -> NDArray[Pixel]:
        """The image, which stands for a photograph of that height and width; beyond its edges it is mirrored."""
        h, w = image.shape[:2]
        scale = np.diag([w / size[1], h / size[0]])
        angle = np.deg2rad(self.degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        seen = scale @ turn @ np.diag([self.stretch**-0.5, self.stretch**0.5]) @ np.linalg.inv(scale)
        middle = np.array([(w - 1) / 2, (h - 1) / 2])
        matrix = np.column_stack([seen, middle - seen @ middle])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(image, matrix, (w, h), flags=flags, borderMode=cv2.BORDER_REFLECT)


def cut_mixed(batch: dict[str, Tensor], share: float, random: np.random.Generator) -> dict[str, Tensor]:
    """A square in each of the last crops, that share of the batch, is cut out of the next one.

    batch: L (B, 1, crop, crop), ab and perhaps teachers (B, 2, crop/stride, crop/stride) by their names; one of a
    single crop stays as it is. Yun et al., "CutMix", ICCV 2019: the share of the area is uniform from 0 to 1, but here
    no square is clipped at an edge.
    """
    crops, side = len(batch["ab"]), batch["ab"].shape[-1]
    mixed = {name: values.clone() for name, values in batch.items()}
    for place in range(crops - round(share * crops), crops):
        other = (place + 1) % crops
        edge = round(side * random.uniform() ** 0.5)
        corner = random.integers(side - edge + 1, size=2)
        for name, values in mixed.items():
            stride = values.shape[-1] // side
            rows, columns = (slice(first * stride, (first + edge) * stride) for first in corner)
            values[place, :, rows, columns] = batch[name][other, :, rows, columns]
    return mixed
