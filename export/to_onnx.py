"""Makes the ONNX file of a trained run:  python -m export.to_onnx RUN_FOLDER [--models FOLDER]

    last.ckpt  ->  models/ID.onnx and its entry in models/manifest.json

Where only facts or the spread of a recipe are changed, the file that there is has all that was learned:
python -m export.to_onnx RECIPE.toml --weights models/ID.onnx

The file is compared with the network, on sizes and temperatures the exporter has not seen, before either is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.framing import Framing, OneSize
from colorize_neural.worker.models import CONTRACT, MANIFEST
from torch import Tensor, nn

from export import run
from export.files import write_whole
from export.recipe import Manifest, dict_from_recipe, read_recipe
from export.small_weights import pack
from export.train import BEST, LAST, Training
from export.warm_start import average_with, start_from

OPSET = 18
FAITHFUL = 0.3  # mean difference in ab, Lab units, that smaller weights may cost
TEMPERATURES = (0.31, 0.87, 1.0, 0.05)  # at which file and network are compared


def load_run(run_folder: Path) -> Training:
    """What was trained, ready to evaluate; ColorizeError where nothing was.

    The network is the last one, or the best one where the recipe stops early; averaged with the one that it started
    from, where the recipe says so.
    """
    if not (run_folder / LAST).exists():
        raise ColorizeError(f"There is no {LAST} in {run_folder}: train first, with python -m export.train.")
    training = _training(run_folder / LAST)
    if training.recipe.optimizer.patience:
        training = _training(run_folder / BEST)
    start = training.recipe.start
    if start and start.share:
        average_with(models_folder() / start.file, start.sha256, start.share, training.network, _example(training))
    return training.eval()


def load_weights(recipe: Path, file: Path) -> Training:
    """The network of a recipe with the weights of its ONNX file, for a file with other facts or another spread.

    ColorizeError where it does not answer as that file at the default temperature.
    """
    training = Training(dict_from_recipe(read_recipe(recipe))).eval()
    start_from(file, "", training.network, [_example(training)])
    manifest = training.recipe.manifest
    compare(onnx.load(file), training.colorizer(), manifest.framing, [manifest.temperature or 1.0])
    return training


def _example(training: Training) -> Tensor:
    """L of the smallest size that its network takes, and of no photograph."""
    (high, wide), *_ = training.recipe.manifest.framing.trial_sizes()
    return torch.rand(1, 1, high, wide) * 100


def _training(checkpoint: Path) -> Training:
    return Training.load_from_checkpoint(checkpoint, map_location="cpu", weights_only=True)


def onnx_from_colorizer(colorizer: nn.Module, manifest: Manifest) -> onnx.ModelProto:
    """The graph that meets the contract, its large weights stored in few bits, its facts in its metadata."""
    colorizer.eval()
    framing = manifest.framing
    if isinstance(framing, OneSize):
        shape, varies = (framing.side, framing.side), {}
    else:
        shape, varies = (framing.short_side, framing.short_side + 64), {2: "h", 3: "w"}
    program = torch.onnx.export(
        colorizer,
        (torch.rand(1, 1, *shape) * 100, torch.tensor([0.4, 1.0])),
        input_names=["L", "temperature"],
        output_names=["ab"],
        dynamic_shapes={"L": varies, "temperature": {0: "t"}},
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None, "the exporter without dynamo returns None; this one returns a program"
    model = pack(_without_traces(program.model_proto))
    facts = {"contract": CONTRACT, **asdict(manifest)}
    onnx.helper.set_model_props(model, {name: json.dumps(fact) for name, fact in facts.items()})
    onnx.checker.check_model(model)
    compare(model, colorizer, framing)
    return model


def write_run(training: Training, folder: Path) -> Path:
    """The ONNX file of a training and its entry in the manifest."""
    manifest = training.recipe.manifest
    return write_model(onnx_from_colorizer(training.colorizer(), manifest), training.recipe.kind, manifest, folder)


def write_model(model: onnx.ModelProto, kind: str, manifest: Manifest, folder: Path) -> Path:
    """Writes the file, and its entry in the manifest in place of a former one of the same id."""
    content = model.SerializeToString()
    facts = asdict(manifest)
    file = folder / f"{facts['id']}.onnx"
    entry = {
        **facts,
        "kind": kind,
        "temperature": None if facts["temperature"] is None else {"default": facts["temperature"]},
        "file": file.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "results": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, content)
    write_entry(folder, entry)
    return file


def entry_of(models: Path, model: str) -> dict[str, Any]:
    """A model's entry in the manifest; ColorizeError where it has none."""
    entries = json.loads((models / MANIFEST).read_text(encoding="utf-8"))["models"]
    for entry in entries:
        if entry["id"] == model:
            return dict(entry)
    raise ColorizeError(f'There is no model "{model}" in {models}: make it first, with python -m export.to_onnx.')


def write_entry(folder: Path, entry: dict[str, Any]) -> None:
    """Puts one entry into the manifest, in the place of the former one of the same id or last."""
    file = folder / MANIFEST
    manifest: dict[str, Any] = {"contract": CONTRACT, "models": []}
    if file.exists():
        manifest = json.loads(file.read_text(encoding="utf-8"))
    places = [place for place, known in enumerate(manifest["models"]) if known["id"] == entry["id"]]
    if places:
        manifest["models"][places[0]] = entry
    else:
        manifest["models"].append(entry)
    write_whole(file, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The exporter notes at every node the file and line it came from, this machine's folders and all."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def compare(model: onnx.ModelProto, colorizer: nn.Module, framing: Framing, at: Sequence[float] = TEMPERATURES) -> None:
    """ColorizeError where the graph's answers are not the network's, at the sizes it must take."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    temperatures = torch.tensor(at)
    for high, wide in framing.trial_sizes():
        L = torch.rand(1, 1, high, wide) * 100
        with torch.no_grad():
            wanted: Tensor = colorizer(L, temperatures)
        (found,) = session.run(["ab"], {"L": L.numpy(), "temperature": temperatures.numpy()})
        difference = float(np.abs(found - wanted.numpy()).mean())
        if not difference <= FAITHFUL:  # so that NaN is refused too
            raise ColorizeError(f"The ONNX file is {difference:.2f} in ab off its network: nothing was written.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.to_onnx", description="Makes the ONNX file of a run.")
    parser.add_argument("run", type=Path, help="the folder that export.train wrote, or a recipe")
    parser.add_argument("--weights", type=Path, metavar="ONNX", help="of a recipe, to change its facts or spread alone")
    parser.add_argument("--models", type=Path, default=models_folder(), help="where the file and its entry go")
    chosen = parser.parse_args(arguments)
    training = load_weights(chosen.run, chosen.weights) if chosen.weights else load_run(chosen.run)
    file = write_run(training, chosen.models)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
