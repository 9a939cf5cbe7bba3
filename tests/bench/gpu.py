"""Whether the GPU really runs and finds the CPU's colours, and what it gains: real worker and command on each device.

Of the default model: what ONNX Runtime left to the CPU, how far the devices' answers are apart, and the times of the
network alone, of a first and of a later photograph, and of a folder. A sentence and exit code 1 where no GPU runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from colorize_neural import __version__, settings
from colorize_neural.client import Client
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Message, Shape
from colorize_neural.settings import Settings
from colorize_neural.worker.models import Model, content_of, read_models
from colorize_neural.worker.providers import GPU_PROVIDERS, gpu_providers
from colorize_neural.worker.sessions import Session
from numpy.typing import NDArray

from installer import runtimes
from tests.bench.photographs import SAMPLES, write_photograph
from tests.bench.processes import COMMAND, output
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest, seconds

DEVICES = ("gpu", "cpu", "auto")
TURNS = 8
PHOTOGRAPHS, SIZE = 200, (800, 1000)  # of the folder, and their height and width
TOLERANCE = 0.1  # Lab units: both compute with 32 bits, in another order
STEPS = 1  # of 255, by which a result may differ


def rows() -> list[Row]:
    model = read_models(settings.models_folder())[0]
    try:
        gpu, cpu = Session(model, "gpu"), Session(model, "cpu")
    except ColorizeError as error:
        sys.exit(str(error))
    rgb = np.asarray(cv2.imread(str(SAMPLES[0])))
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*rgb.shape[:2])).astype(np.float32)
    apart = float(np.abs(gpu.run(L, [0.1, 1.0]) - cpu.run(L, [0.1, 1.0])).max())
    alone = fastest(TURNS, partial(gpu.run, L, [0.5]), partial(cpu.run, L, [0.5]))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder  # auto is to try anew
        workers = {device: Worker(rgb, device) for device in DEVICES}
        photographs = made(Path(folder) / "photographs")
        folders = {device: seconds(partial(colour, photographs, device)) for device in DEVICES}
    steps = int(np.abs(workers["gpu"].coloured.astype(int) - workers["cpu"].coloured).max())
    return [
        row_of_operators(model),
        Row("gpu, colours", "Lab units between its ab and the CPU's, at most", apart, TOLERANCE),
        Row("gpu, results", "of 255 between its photograph and the CPU's, at most", steps, STEPS),
        row_of_seconds("gpu, network", "one pass alone, beside the CPU's", alone),
        *rows_of_workers(workers, "gpu"),
        row_of_seconds("gpu, folder", f"{PHOTOGRAPHS} photographs, beside the CPU", [folders["gpu"], folders["cpu"]]),
        *rows_of_workers(workers, "auto"),
        row_of_seconds("auto, folder", "its first one, beside the CPU", [folders["auto"], folders["cpu"]]),
    ]


def row_of_operators(model: Model) -> Row:
    """Which providers the session has, and how many operators each of them took."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    wanted = [*((name, GPU_PROVIDERS[name]) for name in gpu_providers()), "CPUExecutionProvider"]
    session = ort.InferenceSession(content_of(model), options, wanted)
    took: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        took[part.ep_name] += len(part.get_nodes())
    told = ", ".join(f"{name} {took[name]}" for name in session.get_providers())
    what = f"operators left to the CPU, of all; {runtimes.seen().nvidia or 'no card of NVIDIA'}"
    return Row("gpu, operators", what, took["CPUExecutionProvider"] / took.total(), measured=told)


class Worker:
    """A new worker that colours a photograph again and again: seconds until the first result, and for a later one."""

    def __init__(self, rgb: NDArray[np.uint8], device: str) -> None:
        self._rgb, self._device = rgb, device
        self.coloured = rgb
        start = time.perf_counter()
        with Client(Settings(Path(sys.executable), settings.models_folder(), __version__)) as client:
            self.ran_on = self._colour(client, 0.5)["device"]
            self.first = time.perf_counter() - start
            # the network runs only where the temperature is another
            self.later = min(seconds(partial(self._colour, client, 0.1 + turn / 100)) for turn in range(TURNS))

    def _colour(self, client: Client, temperature: float) -> Message:
        height, width, _ = self._rgb.shape
        with client.pixels(Shape(width, height, 3, "uint8")) as pixels:
            pixels.write(self._rgb.tobytes())
            options = {"device": self._device, "temperature": temperature}
            result = client.colorize(pixels, options, lambda _fraction, _text: None)
            self.coloured = np.frombuffer(pixels.read(height), np.uint8).reshape(self._rgb.shape)
        return result


def rows_of_workers(workers: dict[str, Worker], device: str) -> list[Row]:
    one, cpu = workers[device], workers["cpu"]
    what = f"photograph (on the {one.ran_on.upper()}), beside the CPU"
    return [
        row_of_seconds(f"{device}, first", f"a new worker's first {what}", [one.first, cpu.first]),
        row_of_seconds(f"{device}, later", f"a later {what}", [one.later, cpu.later]),
    ]


def made(folder: Path) -> Path:
    """A folder with photographs."""
    folder.mkdir()
    for number in range(PHOTOGRAPHS):
        write_photograph(folder / f"{number}.jpg", SIZE, number)
    return folder


def colour(photographs: Path, device: str) -> None:
    output(*COMMAND, photographs, "-o", photographs.with_name(device), "--device", device)
