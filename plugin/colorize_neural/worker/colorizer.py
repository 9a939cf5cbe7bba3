"""One photograph: lightness -> model -> colours at full size.

pixels (h, w, 3 or 4), sRGB: uint8, uint16 or float32 0..1, C-contiguous  ->  the same, its RGB coloured, its alpha kept
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float
from colorize_neural.worker.cores import cores
from colorize_neural.worker.devices import DEVICES, Answer, Devices, devices_of
from colorize_neural.worker.framing import Size
from colorize_neural.worker.models import Model, find_model, read_models
from colorize_neural.worker.pixels import Pixels, paint, reduced_lightness, scaled
from colorize_neural.worker.upsample import Enlarger, guide_size

Progress = Callable[[float, str], None]

TEMPERATURES = (0.05, 1.0)
STRENGTHS = (0.0, 2.0)
WARMTHS = (-1.0, 1.0)
_WARM = np.array([0.5, 0.866], np.float32)  # the direction of orange in the ab plane, a hue of 60 degrees
_WARMEST = np.float32(0.5)  # how far full warmth moves a colour, share of its own chroma
_SMALL = 4_000_000  # bytes
_REMEMBERED = 8  # answers of networks, and what they were given, up to 2 MB each


@dataclass(frozen=True)
class Options:
    """How to colour: the arguments that the command, the GIMP procedure and the worker share."""

    model: str = ""  # "" is the first recommended model
    temperature: float | None = None  # None is the model's own default
    strength: float = 1.0
    warmth: float = 0.0
    edge_guidance: bool = True
    equalize: bool = False
    device: str = "auto"

    def check(self) -> None:
        """ColorizeError where a value is out of its range."""
        _check_range("temperature", self.temperature, TEMPERATURES)
        _check_range("strength", self.strength, STRENGTHS)
        _check_range("warmth", self.warmth, WARMTHS)
        if self.device not in DEVICES:
            raise ColorizeError(f'There is no device "{self.device}": choose one of {", ".join(DEVICES)}.')


@dataclass(frozen=True)
class Outcome:
    """What a run says of itself: the device that ran, and why when it is not the wished-for one ("" otherwise)."""

    device: str
    note: str


class Colorizer:
    """Colours photographs with the models of one folder, and the added ones of another; sessions are kept.

    The last answers of the networks are kept too: only another model, temperature or photograph runs one again.
    """

    def __init__(self, models_folder: Path, added: Path | None = None, threads: int = 0) -> None:
        """added: the folder of the user's own models; threads: that one photograph may use, 0 for all cores."""
        self._threads = threads
        # painters, with their many short calls, wait for each other's Python: others should run networks meanwhile
        self._painting = threading.Semaphore(max(1, cores() // (threads or cores()) // 2))
        self._models = read_models(models_folder, added)
        self._devices: dict[tuple[str, str], Devices] = {}
        self._answers: dict[tuple[str, str, bytes, float], Answer] = {}
        self._last: tuple[Pixels | None, Float] = None, np.empty(0)  # a photograph, and its lightness, reduced

    def colorize(self, pixels: Pixels, options: Options, progress: Progress, foreseen: Sequence[float] = ()) -> Outcome:
        """Replaces the RGB of `pixels` in place; ColorizeError says in a sentence why it cannot, pixels untouched.

        foreseen: temperatures that will be asked for next; one pass of the network answers them too.
        """
        progress(0.0, "Loading the model")
        model, devices = self.prepare(options)
        progress(0.1, "Reading the photograph")
        size = model.framing.working_size(*pixels.shape[:2])
        guide = self._guide(pixels, guide_size(pixels.shape[:2], size))
        progress(0.2, "Finding colours")
        seen = _seen(guide, size, options.equalize)
        answer = self.answer(model, devices, seen, options.temperature, foreseen)
        ab = _adjusted(answer.ab, options)
        enlarger = Enlarger(ab, guide, pixels.shape[:2], options.edge_guidance)
        with self._painting:
            paint(pixels, enlarger, self._threads, lambda share: progress(0.3 + 0.7 * share, "Painting"))
        return Outcome(answer.device, answer.note)

    def _guide(self, pixels: Pixels, size: Size) -> Float:
        """`reduced_lightness`; a small photograph is remembered, for a dialog sends the same one again and again."""
        known, guide = self._last
        if guide.shape != size or known is None or not np.array_equal(known, pixels):
            guide = reduced_lightness(pixels, size)
            if pixels.nbytes <= _SMALL:
                self._last = pixels.copy(), guide  # another thread may put another in its place
        return guide

    def answer(
        self,
        model: Model,
        devices: Devices,
        seen: Float,
        temperature: float | None = None,
        foreseen: Sequence[float] = (),
    ) -> Answer:
        """ab (h', w', 2) that the network gives what it sees; remembered, or found together with the foreseen ones.

        seen: L (h, w) at the model's working size; temperature: None is the model's own default
        """
        temperature = temperature or model.default_temperature or 1.0
        asked = (model.id, devices.asked, seen.tobytes())
        wanted = (*asked, temperature)
        known = self._answers  # another thread may put others in its place
        if wanted not in known:
            temperatures = list(dict.fromkeys([*foreseen, temperature]))
            answer = devices.run(model.framing.framed(seen), temperatures)
            every = model.framing.unframed(answer.ab, seen.shape)
            found = {(*asked, one): replace(answer, ab=ab) for one, ab in zip(temperatures, every, strict=True)}
            self._answers = dict([*known.items(), *found.items()][-_REMEMBERED:])
            return found[wanted]
        return known[wanted]

    def prepare(self, options: Options) -> tuple[Model, Devices]:
        """The model that is meant, ready to run; ColorizeError where these options cannot be used."""
        options.check()
        model = find_model(self._models, options.model)
        key = (model.id, options.device)
        if key not in self._devices:
            self._devices[key] = devices_of(model, options.device, self._threads)
        return model, self._devices[key]


def _seen(guide: Float, size: tuple[int, int], equalize: bool) -> Float:
    """L (h, w) at the size at which the network sees the reduced photograph."""
    seen = scaled(guide, size)
    if equalize:
        return cv2.equalizeHist(np.clip(seen * 2.55, 0, 255).astype(np.uint8)).astype(np.float32) / np.float32(2.55)
    return seen


def _adjusted(ab: Float, options: Options) -> Float:
    """ab (h, w, 2) times the strength, moved towards orange or blue by a share of its chroma: grey stays grey."""
    ab = ab * np.float32(options.strength)
    if not options.warmth:
        return ab
    chroma = np.linalg.norm(ab, axis=2, keepdims=True)
    return ab + np.float32(options.warmth) * _WARMEST * chroma * _WARM


def _check_range(name: str, value: float | None, limits: tuple[float, float]) -> None:
    low, high = limits
    if value is not None and not low <= value <= high:
        raise ColorizeError(f"The {name} is {value:g}: choose a number from {low:g} to {high:g}.")
