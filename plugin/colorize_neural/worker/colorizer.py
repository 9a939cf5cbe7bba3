"""One photograph: lightness -> model -> colours at full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Options:
    """How to colour: the arguments that the command, the GIMP procedure and the worker share."""

    model: str = ""  # "" is the first recommended model
    temperature: float | None = None  # None is the model's own default
    strength: float = 1.0
    edge_guidance: bool = True
    equalize: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class Outcome:
    """What a run says of itself: the device that ran, and why when it is not the one wished for ("" otherwise)."""

    device: str
    note: str


class Colorizer:
    """Colours photographs with the models of one folder; sessions are opened once and kept."""

    def __init__(self, models_folder: Path) -> None: ...

    def colorize(self, pixels: NDArray[np.generic], options: Options, progress: Progress) -> Outcome:
        """Replaces, in place, the RGB of `pixels` (h, w, 3 or 4; uint8, uint16 or float32 0..1, sRGB) by colours."""
