"""Whether the GPU really runs and finds the CPU's colours, and what it gains: real worker and command, on each device.

Of the default model: what ONNX Runtime placed where, the largest difference between the devices, and how long the
network alone, a first and a later photograph, and those of a folder take.
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
from colorize_neural.protocol import Message, Shape
from colorize_neural.settings import Settings
from colorize_neural.worker.models import Model, Session, content_of, read_models
from colorize_neural.worker.providers import GPU_PROVIDERS, gpu_providers
from numpy.typing import NDArray

from installer import runtimes
from tests.bench.photographs import write_photograph
from tests.bench.processes import COMMAND, output
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest, seconds

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "buffalo-1908.jpg"
DEVICES = ("cpu", "gpu", "auto")
TURNS = 8
FOLDER, SIZE = 200, (600, 800)  # photographs of so many pixels
TOLERANCE = 0.1  # Lab units; both compute with 32 bits, in another order
STEPS = 1  # of 255, by which a pixel of the result may differ


def rows() -> list[Row]:
    """Prints the proof; RuntimeError where the colours are others, ColorizeError where no GPU runs."""
    model = read_models(settings.models_folder())[0]
    sessions = {"cpu": Session(model, "cpu"), "gpu": Session(model, "gpu")}
    rgb = np.asarray(cv2.imread(str(SAMPLE)))
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*rgb.shape[:2])).astype(np.float32)
    ab = {device: session.run(L, [0.1, 1.0]) for device, session in sessions.items()}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder  # auto is to try anew
        workers = {device: Worker(rgb, device) for device in DEVICES}
        made(Path(folder) / "photographs")
        folders = {device: partial(colour_folder, Path(folder), device) for device in DEVICES}
        in_folder = {device: seconds(colour) / FOLDER for device, colour in folders.items()}
    apart = float(np.abs(ab["cpu"] - ab["gpu"]).max())
    steps = int(np.abs(workers["cpu"].coloured.astype(int) - workers["gpu"].coloured).max())
    print(f"{runtimes.seen().nvidia or 'a GPU'}; placed: {placed(model)}")
    print(f"The networks' ab differ by {apart:.2g} Lab units at most, {TOLERANCE} are allowed;")
    print(f"the workers' photographs by {steps} of 255, {STEPS} is allowed; auto ran on the {workers['auto'].ran_on}.")
    if apart > TOLERANCE or steps > STEPS or workers["gpu"].ran_on != "gpu":
        raise RuntimeError("the GPU does not find the colours of the CPU")
    passes = fastest(TURNS, *(partial(sessions[device].run, L, [0.5]) for device in ("gpu", "cpu")))
    told = [row_of_seconds("gpu, network", "one pass on the GPU, beside the CPU", passes)]
    for device in ("gpu", "auto"):
        for what, times in (
            ("first photograph", [workers[device].first, workers["cpu"].first]),
            ("later photograph", [workers[device].later, workers["cpu"].later]),
            ("photograph in a folder", [in_folder[device], in_folder["cpu"]]),
        ):
            told.append(row_of_seconds(f"{device}, {what}", f"a {what}, the device {device} beside cpu", times))
    return told


class Worker:
    """A new worker that colours a photograph again and again."""

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


def placed(model: Model) -> str:
    """Which providers the session has, and how many operators each of them took."""
    options = ort.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    wanted = [*((name, GPU_PROVIDERS[name]) for name in gpu_providers()), "CPUExecutionProvider"]
    session = ort.InferenceSession(content_of(model), options, wanted)
    took: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        took[part.ep_name] += len(part.get_nodes())
    return ", ".join(f"{name} {took[name]} operators" for name in session.get_providers())


def made(folder: Path) -> None:
    folder.mkdir()
    for number in range(FOLDER):
        write_photograph(folder / f"{number}.jpg", SIZE, number)


def colour_folder(folder: Path, device: str) -> None:
    """By the command as users start it."""
    output(*COMMAND, folder / "photographs", "-o", folder / device, "--device", device)
