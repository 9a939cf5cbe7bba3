"""Makes a model of weights that their authors published:  python -m export.import_zhang FILE.pth [--models FOLDER]

    colorization_release_v2-9b330a0b.pth, siggraph17-df00044c.pth  ->  models/ID.onnx and its entry in the manifest

They are not part of this project: github.com/richzhang/colorization links to them. The 8 digits in their names begin
their sha256, and are checked. No class that such a file names is loaded.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from torch import Tensor, nn

from export import run
from export.bins import bin_centers
from export.d65 import D50FromD65
from export.decode import AnnealedMean, ExportedColorizer, Repeated
from export.networks.siggraph17 import Siggraph17
from export.networks.zhang2016 import Zhang2016
from export.recipe import Manifest
from export.to_onnx import onnx_from_colorizer, write_model

State = dict[str, Tensor]

FILES = "colorization_release_v2-9b330a0b.pth or siggraph17-df00044c.pth"
WANTED = f"name {FILES}, which github.com/richzhang/colorization links to"
DIGITS = re.compile(r"-([0-9a-f]{8})\.pth$")
CENTERS = "model_out.weight"  # of the ECCV file: the bins' centres in shares of RANGE, as a convolution
RANGE = 110
COUNTER = "num_batches_tracked"  # of training; old files lack it


class PublishedColorizer(ExportedColorizer):
    """What the ONNX file computes: the authors' answer, which is under D65, under D50."""

    def __init__(self, network: nn.Module, decoder: nn.Module, stride: int) -> None:
        super().__init__(network, decoder)
        self.reduced = nn.AvgPool2d(stride)
        self.adapted = D50FromD65()

    def forward(self, L: Tensor, temperature: Tensor) -> Tensor:
        ab: Tensor = self.adapted(self.reduced(L), super().forward(L, temperature))
        return ab


@dataclass(frozen=True)
class Published:
    """One file: how it becomes a colorizer, and what users are told of it."""

    colorizer: Callable[[State], PublishedColorizer]
    kind: str
    manifest: Manifest


def zhang2016(state: State) -> PublishedColorizer:
    """Their bins are those that their file brings, in its order."""
    shape = torch.Size((2, len(bin_centers()), 1, 1))
    network = _filled(Zhang2016(_width(state)), state, {CENTERS: shape})
    decoder = AnnealedMean()
    decoder.centers = RANGE * state[CENTERS].float()[:, :, 0, 0].T
    return PublishedColorizer(network, decoder, stride=4)


def siggraph17(state: State) -> PublishedColorizer:
    """Without its second answer, scores of bins that only its training needs."""
    answers = {name: weight for name, weight in state.items() if not name.startswith("model_class.")}
    return PublishedColorizer(_filled(Siggraph17(_width(state)), answers, {}), Repeated(), stride=1)


SHARED: dict[str, Any] = {
    "group": "papers",
    "size": {"short_side": 256, "multiple": 8},
    "trained_on": "1.3 million photographs of ImageNet",
    "licence": "BSD-2-Clause",
}
#   the layer that only this file has
PUBLISHED = {
    CENTERS: Published(
        zhang2016,
        "classification",
        Manifest(
            id="zhang2016-published",
            title="Zhang 2016, published",
            description="Colorful image colorization, with its authors' weights.",
            **SHARED,
            temperature=1.0,  # as their code for this file, which leaves the scores as they are
        ),
    ),
    "model_out.0.weight": Published(
        siggraph17,
        "regression",
        Manifest(
            id="siggraph17-published",
            title="Zhang 2017, published",
            description="Real-time user-guided image colorization without hints, with its authors' weights.",
            **SHARED,
        ),
    ),
}


def read_state(file: Path) -> State:
    """The file's layers by name; ColorizeError where it is not what its name says, or holds anything else."""
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise ColorizeError(f"There is no {file}: {WANTED}.") from error
    except OSError as error:
        raise ColorizeError(f"{file} cannot be read ({error.strerror}): {WANTED}.") from error
    digits = DIGITS.search(file.name)
    if digits is None:
        raise ColorizeError(f"The name of {file} does not end in the digits of its hash: call it {FILES} again.")
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(digits[1]):
        raise ColorizeError(f"{file} is damaged, for its hash begins with {found[:8]}: download it again.")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds
        raise ColorizeError(f"{file} cannot be read as weights alone: {WANTED}.") from error
    if not (isinstance(state, dict) and all(isinstance(layer, Tensor) for layer in state.values())):
        raise ColorizeError(f"{file} holds something else than weights by name: {WANTED}.")
    return state


def find_published(state: State) -> Published:
    """Which of the files it is, by a layer that only this one has; ColorizeError where it is none."""
    for layer, published in PUBLISHED.items():
        if layer in state:
            return published
    raise ColorizeError(f"These are weights of another network: {WANTED}.")


def _width(state: State) -> int:
    """Channels of the first block: 64 in both files."""
    bias = state.get("model1.0.bias")
    return 64 if bias is None else bias.numel()


def _filled(network: nn.Module, state: State, beside: dict[str, torch.Size]) -> nn.Module:
    """The network with the weights of `state`, which has no other layers than it and those `beside` it."""
    own = network.state_dict()
    wanted = {name: weight.shape for name, weight in own.items() if not name.endswith(COUNTER)} | beside
    found = {name: weight.shape for name, weight in state.items() if not name.endswith(COUNTER)}
    for name in {**wanted, **found}:
        if name not in found:
            raise ColorizeError(f"The layer {name} is missing: {WANTED}.")
        if name not in wanted:
            raise ColorizeError(f"The layer {name} is not this network's: {WANTED}.")
        if found[name] != wanted[name]:
            raise ColorizeError(f"The layer {name} is {_times(found[name])}, not {_times(wanted[name])}: {WANTED}.")
    network.load_state_dict({name: state.get(name, weight) for name, weight in own.items()})
    return network


def _times(shape: torch.Size) -> str:
    return " x ".join(map(str, shape))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.import_zhang", description="Imports published weights.")
    parser.add_argument("file", type=Path, help=FILES)
    parser.add_argument("--models", type=Path, default=models_folder(), help="where the model and its entry go")
    chosen = parser.parse_args(arguments)
    state = read_state(chosen.file)
    published = find_published(state)
    model = onnx_from_colorizer(published.colorizer(state), published.manifest)
    file = write_model(model, published.kind, published.manifest, chosen.models)
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
