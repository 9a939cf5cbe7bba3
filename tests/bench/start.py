"""How long the worker takes until it is ready, beside a fresh Python that imports the libraries and makes the session.

Ready: it was started, has answered hello, and tells of its first photograph, sent at once, that the session is made.
That is the first progress above 0.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.client import Client
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings
from colorize_neural.worker.models import read_models

from tests.bench.processes import BARE
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest

TURNS = 20
SHAPE = Shape(64, 64, 3, "uint8")


class Ready(Exception):  # noqa: N818 - no error
    """Leaves a request as soon as its session is made."""


def rows() -> list[Row]:
    told = Settings(Path(sys.executable), settings.models_folder(), __version__)
    model = read_models(told.models)[0].file
    with ExitStack() as started:
        worker, bare = partial(start_worker, told, started), partial(start_bare, model, started)
        times = fastest(TURNS, worker, bare, after=started.close)
    what = "the worker until it can colour, beside a fresh Python with numpy, cv2, onnxruntime and the session"
    return [row_of_seconds("start", what, times, wanted=1.15)]


def start_worker(told: Settings, started: ExitStack) -> None:
    client = started.enter_context(Client(told))
    pixels = started.enter_context(client.pixels(SHAPE))
    pixels.write(bytes(SHAPE.bytes))
    with contextlib.suppress(Ready):
        client.colorize(pixels, {}, leave_when_ready)


def leave_when_ready(fraction: float, _text: str) -> None:
    if fraction > 0:
        raise Ready


def start_bare(model: Path, started: ExitStack) -> None:
    process = started.enter_context(subprocess.Popen([*BARE, model], stdout=subprocess.PIPE))
    if not process.stdout or process.stdout.readline() != b"ready\n":
        raise RuntimeError("bare.py fails")
