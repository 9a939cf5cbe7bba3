"""What models cost to run:  python -m export.speed ID... [--size 256] [--threads 1]

ONNX files  ->  parameters, MB, GFLOPs and milliseconds at one size, and how often each is faster than Zhang 2016's

Every model runs in a process of its own, for sessions in one process distort each other's times; Zhang's network has
the width of the paper and random weights. Times are the shortest of several runs, one model after the other, in two
rounds.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.models import find_model, read_models

from export import run
from export.recipe import RECIPES, dict_from_recipe, read_recipe
from export.small_weights import unpacked
from export.to_onnx import onnx_from_colorizer
from export.train import Training

ZHANG = RECIPES / "zhang2016.toml"
RUNS = 5
ROUNDS = 2


@dataclass(frozen=True)
class Cost:
    """What one file takes; a model that takes one size only is measured at that."""

    parameters: int
    megabytes: float
    gflops: float  # at the size asked for; a multiply and an add are two
    milliseconds: float  # at the size asked for


def measure(file: Path, size: int, threads: int) -> Cost:
    """Of one ONNX file, in this process."""
    model = onnx.load(str(file))
    parameters = sum(weight.numel() for weight in unpacked(model.graph.initializer).values())
    return Cost(parameters, file.stat().st_size / 1e6, gflops(file, size), milliseconds(file, size, threads))


def measure_apart(file: Path, size: int, threads: int) -> Cost:
    """Of one ONNX file, in a process of its own."""
    command = [sys.executable, "-m", "export.speed", "--file", str(file), "--size", str(size)]
    done = subprocess.run([*command, "--threads", str(threads)], capture_output=True, text=True, check=False)
    if done.returncode:
        *_, reason = ["it says nothing", *done.stderr.splitlines()]
        raise ColorizeError(f"{file} cannot be run at {size} pixels ({reason}): give a multiple that it takes.")
    return Cost(**json.loads(done.stdout))


def compare(files: dict[str, Path], size: int, threads: int) -> dict[str, Cost]:
    """Several files, each as fast as in its faster round."""
    rounds = [{name: measure_apart(file, size, threads) for name, file in files.items()} for _ in range(ROUNDS)]
    return {name: min((one[name] for one in rounds), key=lambda cost: cost.milliseconds) for name in files}


def gflops(file: Path, size: int) -> float:
    """Of all convolutions and matrix products, at the shapes that ONNX Runtime meets on the way."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # operators as in the file
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        session.run(["ab"], _photograph(session, size))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    operations = 0
    for event in events:
        facts = event.get("args", {})
        if "output_type_shape" in facts:
            inputs, outputs = (_shapes(facts[f"{side}_type_shape"]) for side in ("input", "output"))
            operations += 2 * _products(facts["op_name"], inputs, outputs)
    return operations / 1e9


def _shapes(typed: list[dict[str, list[int]]]) -> list[list[int]]:
    return [next(iter(one.values())) for one in typed]


def _products(operator: str, inputs: list[list[int]], outputs: list[list[int]]) -> int:
    """How many pairs of numbers one operator multiplies."""
    if operator == "Conv":
        return math.prod(outputs[0]) * math.prod(inputs[1][1:])
    if operator == "ConvTranspose":
        return math.prod(inputs[0]) * math.prod(inputs[1][1:])
    if operator in ("MatMul", "Gemm"):
        return math.prod(outputs[0]) * inputs[0][-1]
    return 0


def milliseconds(file: Path, size: int, threads: int) -> float:
    """The shortest of several runs on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    photograph, times = _photograph(session, size), []
    for _ in range(RUNS + 1):  # the first one allocates
        start = time.perf_counter()
        session.run(["ab"], photograph)
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def _photograph(session: onnxruntime.InferenceSession, size: int) -> dict[str, np.typing.NDArray[np.float32]]:
    (shape,) = (one.shape for one in session.get_inputs() if one.name == "L")
    sides = [side if isinstance(side, int) else size for side in shape[2:]]  # a side that varies is a name
    L = np.random.default_rng(0).random((1, 1, *sides), np.float32) * 100
    return {"L": L, "temperature": np.array([0.4], np.float32)}


def write_zhang(folder: Path) -> Path:
    """Zhang 2016 at the width of the paper, with random weights."""
    recipe = read_recipe(ZHANG, full=True)
    file = folder / "zhang2016.onnx"
    model = onnx_from_colorizer(Training(dict_from_recipe(recipe)).colorizer(), recipe.manifest)
    file.write_bytes(model.SerializeToString())
    return file


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.speed", description="What models cost to run.")
    parser.add_argument("models", nargs="*", metavar="ID", help="as the manifest names them")
    parser.add_argument("--file", type=Path, help="one ONNX file instead, printed as JSON")
    parser.add_argument("--folder", type=Path, default=models_folder(), help="the models folder")
    parser.add_argument("--size", type=int, default=256, help="pixels, a multiple of 32, of models that take any")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    chosen = parser.parse_args(arguments)
    if chosen.file:
        print(json.dumps(asdict(measure(chosen.file, chosen.size, chosen.threads))))
        return
    known = read_models(chosen.folder)
    with tempfile.TemporaryDirectory() as folder:
        zhang = "Zhang 2016, width of the paper"
        files = {name: find_model(known, name).file for name in chosen.models} | {zhang: write_zhang(Path(folder))}
        costs = compare(files, chosen.size, chosen.threads)
    print(f"| {chosen.size} px, threads: {chosen.threads} | parameters | MB | GFLOPs | ms | times as fast as Zhang's |")
    print("|---|---|---|---|---|---|")
    for name, cost in costs.items():
        gain = costs[zhang].milliseconds / cost.milliseconds
        figures = f"{cost.parameters / 1e6:.2f} M | {cost.megabytes:.1f} | {cost.gflops:.1f} | {cost.milliseconds:.0f}"
        print(f"| {name} | {figures} | {gain:.1f} |")


if __name__ == "__main__":
    run(main)
