"""How long the command takes for one photograph, beside a process that does only what cannot be left out (`bare.py`).

A JPEG of 24 megapixels, both as whole processes from their start to their end.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from colorize_neural import settings
from colorize_neural.worker.models import read_models

from tests.bench.photographs import write_photograph
from tests.bench.processes import BARE, COMMAND, output
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest

SIZE = (4000, 6000)  # pixels
TURNS = 5


def rows() -> list[Row]:
    model = read_models(settings.models_folder())[0]
    height, width = map(str, model.framing.working_size(*SIZE))
    with tempfile.TemporaryDirectory() as folder:
        photo, out = write_photograph(Path(folder) / "photo.jpg", SIZE), Path(folder) / "out.jpg"
        command = partial(output, *COMMAND, photo, "-o", out, "--overwrite")
        bare = partial(output, *BARE, model.file, height, width, photo, out)
        what = "a JPEG of 24 MP by the command, beside imports, session, decoding, network, Lab to RGB, encoding"
        return [row_of_seconds("command", what, fastest(TURNS, command, bare), wanted=1.5)]
