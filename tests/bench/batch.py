"""Photographs a second that a folder takes, beside the bare work on the same cores, and the memory of few and of many.

1,000 JPEGs of 2 megapixels, through the command as users start it. The bare work, for as many: libvips decodes and
encodes, the network runs once, OpenCV converts Lab to RGB once; a thread for each core, each library with one thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyvips
from colorize_neural import settings
from colorize_neural.worker import photos
from colorize_neural.worker.files import cores
from colorize_neural.worker.models import Session, read_models

from tests.bench.timing import seconds

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "samples").glob("*-19*.jpg"))
FEW, MANY = 100, 1_000
SIZE = (1225, 1633)  # pixels, 2 megapixels


def main() -> None:
    """Prints rates, their ratio and the memory."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (made(Path(folder) / str(count), count) for count in (FEW, MANY))
        little, _ = coloured(few, Path(folder) / "out-few")
        much, took = coloured(many, Path(folder) / "out-many")
        bare = seconds(partial(bare_work, sorted(many.iterdir()), Path(folder)))
    print(f"{MANY / took:.1f} photographs a second, {bare / took:.2f} of the {MANY / bare:.1f} of the bare work.")
    print(f"Peak memory is {much / little:.2f} times as large for {MANY} photographs as for {FEW}: {much >> 20} MB.")


def made(folder: Path, count: int) -> Path:
    """A folder with so many photographs, each cut from a sample at another place."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        rgb = np.asarray(cv2.imread(str(SAMPLES[number % len(SAMPLES)])))
        side = int(min(rgb.shape[:2]) * random.uniform(0.6, 0.9))
        top, left = (int(random.integers(whole - side + 1)) for whole in rgb.shape[:2])
        photo = cv2.resize(rgb[top : top + side, left : left + side], SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{number}.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 93])
    return folder


def coloured(photographs: Path, out: Path) -> tuple[int, float]:
    """Bytes at the peak, and seconds, of the command; RuntimeError where it fails."""
    command = [sys.executable, "-m", "colorize_neural.cli", str(photographs), "-o", str(out)]
    told: list[tuple[int, int]] = []

    def run() -> None:
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        told.append((status, usage.ru_maxrss * 1024))

    took = seconds(run)
    ((status, peak),) = told
    if status:
        raise RuntimeError(f"the command ended with the status {status}")
    return peak, took


def bare_work(files: Sequence[Path], folder: Path) -> None:
    """What cannot be left out, for each photograph."""
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
        pyvips.Image.new_from_array(pixels).write_to_file(str(folder / f"bare-{file.name}"), Q=93, optimize_coding=True)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(one, files))
