"""How long the dialog's preview takes, beside one pass of the network alone: a real worker, warm, through its pipes.

A sample at the preview's size: the first answer to a change of temperature (the network runs) and of strength (it does
not), in turns; the fastest of each.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from colorize_neural import __version__, settings
from colorize_neural.client import Client
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings
from colorize_neural.worker.models import Session, read_models

from tests.bench.timing import seconds

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "buffalo-1908.jpg"
SIDE = 640  # pixels, as layers.PREVIEW_SIDE
TURNS = 8


def main() -> None:
    """Prints milliseconds and ratios."""
    bgr = np.asarray(cv2.imread(str(SAMPLE)))
    scale = SIDE / max(bgr.shape)
    rgb = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    model = read_models(settings.models_folder())[0]
    session = Session(model, "cpu")
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*rgb.shape[:2])).astype(np.float32)
    with Client(Settings(Path(sys.executable), settings.models_folder(), __version__)) as client:

        def coloured(**options: float) -> None:
            with client.pixels(Shape(rgb.shape[1], rgb.shape[0], 3, "uint8")) as pixels:
                pixels.write(rgb.tobytes())
                client.colorize(pixels, options, lambda _fraction, _text: None)
                pixels.read(rgb.shape[0])

        coloured()
        network, temperature, strength = [], [], []
        for turn in range(1, TURNS + 1):
            network.append(seconds(partial(session.run, L, [0.5])))
            temperature.append(seconds(partial(coloured, temperature=turn / 10)))
            strength.append(seconds(partial(coloured, strength=turn / 10)))
    alone = min(network)
    for name, least in (("temperature", min(temperature)), ("strength", min(strength))):
        print(f"A change of {name} shows after {least * 1000:.0f} ms, {least / alone:.1f} times the network alone.")
