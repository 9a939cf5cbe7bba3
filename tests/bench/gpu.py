"""Whether the GPU really runs and finds the CPU's colours, and what it gains: real worker and command, on each device.

Of the default model: what ONNX Runtime placed where, the largest difference between the devices, and a table of the
network alone, a first and a later photograph, and a folder. Exit code 1 where no GPU runs, or its colours are others.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
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
from colorize_neural.worker.models import Model, Session, intact_content, read_models
from colorize_neural.worker.providers import GPU_PROVIDERS, gpu_providers
from numpy.typing import NDArray

from installer import runtimes
from tests.bench.timing import seconds

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "buffalo-1908.jpg"
DEVICES = ("cpu", "gpu", "auto")
TURNS = 8
FOLDER = 200  # photographs
TOLERANCE = 0.1  # Lab units; both compute with 32 bits, in another order
STEPS = 1  # of 255, by which a pixel of the result may differ


def main() -> None:
    """Prints the proof and the table."""
    model = read_models(settings.models_folder())[0]
    try:
        sessions = {"cpu": Session(model, "cpu"), "gpu": Session(model, "gpu")}
    except ColorizeError as error:
        sys.exit(str(error))
    rgb = np.asarray(cv2.imread(str(SAMPLE)))
    print(f"{machine()}; ONNX Runtime {ort.__version__}, model {model.id}")
    print(f"Placed: {placed(model)}")
    L = np.random.default_rng(0).uniform(0, 100, model.framing.working_size(*rgb.shape[:2])).astype(np.float32)
    ab = {device: session.run(L, [0.1, 1.0]) for device, session in sessions.items()}
    apart = float(np.abs(ab["cpu"] - ab["gpu"]).max())
    print(f"The networks' ab differ by {apart:.2g} Lab units at most; {TOLERANCE} are allowed.")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_DATA_HOME"] = folder  # auto is to try anew
        workers = {device: Worker(rgb, device) for device in DEVICES}
        made(Path(folder) / "photographs", rgb)
        rates = {device: rate(Path(folder), device) for device in DEVICES}
    steps = int(np.abs(workers["cpu"].coloured.astype(int) - workers["gpu"].coloured).max())
    print(f"The workers' photographs differ by {steps} of 255 at most; {STEPS} is allowed.")
    print("device  ran on  network alone  first photograph  a later one  folder")
    for device, worker in workers.items():
        alone = "" if device == "auto" else f"{fastest(partial(sessions[device].run, L, [0.5])) * 1e3:.1f} ms"
        print(
            f"{device:<6}  {worker.ran_on:<6}  {alone:>13}  {worker.first:>14.2f} s  {worker.later * 1e3:>8.0f} ms"
            f"  {rates[device]:.1f} photographs/s"
        )
    sys.exit(int(apart > TOLERANCE or steps > STEPS or workers["gpu"].ran_on != "gpu"))


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
    session = ort.InferenceSession(intact_content(model), options, wanted)
    took: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        took[part.ep_name] += len(part.get_nodes())
    return ", ".join(f"{name} {took[name]} operators" for name in session.get_providers())


def made(folder: Path, rgb: NDArray[np.uint8]) -> None:
    """Photographs that differ, each of half a side."""
    folder.mkdir()
    random = np.random.default_rng(0)
    height, width = (side // 2 for side in rgb.shape[:2])
    for number in range(FOLDER):
        top, left = int(random.integers(height)), int(random.integers(width))
        cv2.imwrite(str(folder / f"{number}.jpg"), rgb[top : top + height, left : left + width])


def rate(folder: Path, device: str) -> float:
    """Photographs a second, by the command as users start it; RuntimeError where it fails."""
    command = [sys.executable, "-m", "colorize_neural.cli", str(folder / "photographs"), "-o", str(folder / device)]
    took = seconds(lambda: subprocess.run([*command, "--device", device], stderr=subprocess.DEVNULL, check=True))
    return FOLDER / took


def fastest(work: Callable[[], object]) -> float:
    """Seconds."""
    return min(seconds(work) for _ in range(TURNS))


def machine() -> str:
    """What it computes with."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return f"{runtimes.seen().nvidia or 'a GPU'}; {os.cpu_count()} cores of {cpu}"


if __name__ == "__main__":
    main()
