"""How long the default model takes for a square photograph, beside Zhang 2016's network at the width of the paper.

Each at its own working size, in processes of their own, on all cores. Zhang's network gets random weights, for which
PyTorch must be installed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from colorize_neural import settings
from colorize_neural.worker.models import read_models

from export.recipe import read_recipe
from export.speed import ZHANG, measure_apart, write_zhang
from tests.bench.results import Row, row_of_seconds

TURNS = 3


def rows() -> list[Row]:
    model, zhang = read_models(settings.models_folder())[0], read_recipe(ZHANG, full=True).manifest
    with tempfile.TemporaryDirectory() as folder:
        framings = {model.file: model.framing, write_zhang(Path(folder)): zhang.framing}
        sides = {file: framing.working_size(1, 1)[0] for file, framing in framings.items()}
        turns = [[measure_apart(file, side, 0).milliseconds for file, side in sides.items()] for _ in range(TURNS)]
    what = "the default model at {} px, beside Zhang 2016's network at {} px".format(*sides.values())
    return [row_of_seconds("zhang", what, [min(times) / 1000 for times in zip(*turns, strict=True)], wanted=1 / 8)]
