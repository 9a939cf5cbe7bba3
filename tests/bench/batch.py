"""Photographs a second that a folder takes, beside the bare work on the same cores, and the memory of few and of many.

1,000 JPEGs of 2 megapixels, through the command as users start it: once for its memory, then over what is there. The
bare work, for as many: libvips decodes and encodes, the network runs once, OpenCV converts Lab to RGB once; a thread
for each core, each library with one thread. Command and bare work run in turns of two seconds; of the command, its
start and what it asks the disk to keep are counted too.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pyvips
from colorize_neural import settings
from colorize_neural.worker import photos
from colorize_neural.worker.cores import cores
from colorize_neural.worker.models import read_models
from colorize_neural.worker.sessions import Session

from tests.bench.photographs import write_photograph
from tests.bench.processes import COMMAND, peak_memory, process
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import alternately

FEW, MANY = 100, 1_000
SIZE = (1225, 1633)  # pixels, 2 megapixels


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        few, many = (made(Path(folder) / str(count), count) for count in (FEW, MANY))
        little, much = (peak_memory(*COMMAND, some, "-o", some.with_suffix(".out")) for some in (few, many))
        with process(*COMMAND, many, "-o", many.with_suffix(".out"), "--overwrite") as ours:
            ours.send_signal(signal.SIGSTOP)
            with process(sys.executable, "-m", "tests.bench.batch", many, folder) as bare:
                os.waitid(os.P_PID, bare.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)  # ready, or failed
                times = alternately(ours, bare)
    memory = f"{much / 1e6:.0f} MB beside {little / 1e6:.0f} MB"
    return [
        row_of_seconds("batch", f"{MANY} JPEGs of 2 MP in a folder, beside the bare work", times, wanted=1 / 0.7),
        Row("batch", f"peak memory for {MANY} photographs, beside {FEW}", much / little, 1.1, memory),
    ]


def made(folder: Path, count: int) -> Path:
    """A folder with so many photographs."""
    folder.mkdir()
    for number in range(count):
        write_photograph(folder / f"{number}.jpg", SIZE, number)
    return folder


def bare_work(photographs: Path, folder: Path) -> None:
    """What cannot be left out, for each photograph; before it begins, it stops itself."""
    model = read_models(settings.models_folder())[0]
    session = Session(model, "cpu", threads=1)
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*SIZE)).astype(np.float32)
    lab = np.random.default_rng(0).uniform(0, 50, (*SIZE, 3)).astype(np.float32)
    photos.use_threads(1)
    cv2.setNumThreads(1)

    def one(file: Path) -> None:
        image = pyvips.Image.new_from_file(str(file), access="sequential")
        pixels = image.numpy()
        session.run(L, [0.5])
        cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
        pyvips.Image.new_from_array(pixels).write_to_file(str(folder / f"bare-{file.name}"), Q=93)

    signal.raise_signal(signal.SIGSTOP)  # all is ready
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(one, photographs.iterdir()))


if __name__ == "__main__":
    bare_work(*map(Path, sys.argv[1:]))
