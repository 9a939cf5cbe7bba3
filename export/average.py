"""Makes one model of several:  python -m export.average MODEL.onnx... --out MODEL.onnx

models of one network that went on from the same weights  ->  the first one with the means of all their weights

`python -m export.to_onnx RECIPE --weights FILE` then makes it a model of the manifest, with its own facts.

Wortsman et al., "Model soups", ICML 2022: what each learned by chance averages out, at no cost to who uses it. A
recipe can start from it, and `[start] share` averages a run with what that started from.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from colorize_neural.errors import ColorizeError
from onnx.numpy_helper import from_array

from export import run
from export.files import write_whole
from export.small_weights import pack, unpack, unpacked


def average(files: Sequence[Path]) -> onnx.ModelProto:
    """The first model with the means of all models' weights; ColorizeError where they have not the same ones."""
    models = [unpack(_model(file)) for file in files]
    weights = [unpacked(model.graph.initializer) for model in models]
    first = {name: value.shape for name, value in weights[0].items()}
    for file, others in zip(files, weights, strict=True):
        if {name: value.shape for name, value in others.items()} != first:
            raise ColorizeError(f"{file} is of another network than {files[0]}: average models of one network.")
    for stored in models[0].graph.initializer:
        if stored.data_type == onnx.TensorProto.FLOAT:
            mean = torch.stack([others[stored.name] for others in weights]).mean(dim=0)
            stored.CopyFrom(from_array(mean.numpy(), stored.name))
    return pack(models[0])


def _model(file: Path) -> onnx.ModelProto:
    try:
        return onnx.load(file)
    except Exception as error:  # onnx raises many kinds
        raise ColorizeError(f"{file} cannot be read as an ONNX file: name models to average.") from error


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.average", description="Makes one model of several.")
    parser.add_argument("models", type=Path, nargs="+", metavar="ONNX", help="files of one network")
    parser.add_argument("--out", type=Path, required=True, help="the file of their mean")
    chosen = parser.parse_args(arguments)
    content = average(chosen.models).SerializeToString()
    try:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(chosen.out, content)
    except OSError as error:
        raise ColorizeError(f"{chosen.out} cannot be written ({error.strerror}): name another file.") from error
    print(f"{chosen.out}: the mean of {len(chosen.models)} models")


if __name__ == "__main__":
    run(main)
