"""How long a preview takes, beside one pass of the network alone: a real worker, warm, through its pipes.

A sample of 512 pixels: the answer to a change of temperature (the network runs) and of strength (it does not).
"""

from __future__ import annotations

import itertools
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from colorize_neural import __version__, settings
from colorize_neural.client import Client
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings
from colorize_neural.worker.models import read_models
from colorize_neural.worker.sessions import Session

from tests.bench.photographs import SAMPLES
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest

SIDE = 512  # pixels, the longer one
TURNS = 80


def rows() -> list[Row]:
    bgr = np.asarray(cv2.imread(str(SAMPLES[0])))
    scale = SIDE / max(bgr.shape)
    rgb = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    told = Settings(Path(sys.executable), settings.models_folder(), __version__)
    model = read_models(told.models)[0]
    session = Session(model, "cpu")
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*rgb.shape[:2])).astype(np.float32)
    unseen = itertools.count(0.505, 0.005)  # temperatures are remembered, the default one from the start
    with Client(told) as client:

        def coloured(**options: float) -> None:
            with client.pixels(Shape(rgb.shape[1], rgb.shape[0], 3, "uint8")) as pixels:
                pixels.write(rgb.tobytes())
                client.colorize(pixels, options)
                pixels.read(rgb.shape[0])

        coloured()
        network, temperature, strength = fastest(
            TURNS,
            partial(session.run, L, [0.5]),
            lambda: coloured(temperature=next(unseen)),
            lambda: coloured(strength=0.9),
        )
    what = f"a preview of {SIDE} px in another %s, beside the network alone"
    return [
        row_of_seconds("preview", what % "temperature", [temperature, network], wanted=1.3),
        row_of_seconds("preview, strength", what % "strength", [strength, network]),
    ]
