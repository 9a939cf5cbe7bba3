"""The weights of an ONNX file of ours in a network that goes on learning.

models/ID.onnx  ->  network whose answers are the file's, as far as their layers have the same names and shapes

In the file every batch normalisation is folded into the convolution before it. Here it is unfolded again, with the
mean and variance that photographs have at that place, so that the network answers as the file does and trains on.

What has gone on learning can be averaged with what it started from: Wortsman et al., "Robust fine-tuning of zero-shot
models" (WiSE-FT), CVPR 2022.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import onnx
import torch
from colorize_neural.errors import ColorizeError
from torch import Tensor, nn

from export.small_weights import unpacked

HAS_STATISTICS = "our networks keep running statistics"


def start_from(file: Path, sha256: str, network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Fills the network; `batches` of L (B, 1, H, W) show it photographs. What is new in it keeps its own start.

    ColorizeError where the file cannot be read, is not the version of that sha256 (any where it is ""), or has no
    weight of this network.
    """
    batches = list(batches)
    norms = _norms_by_convolution(network, batches[0])
    _fill(network, norms, _stored(file, sha256, _folded(network, norms)))
    _unfold(network, list(norms.values()), batches)


def average_with(file: Path, sha256: str, share: float, network: nn.Module, L: Tensor) -> None:
    """Fills the network with the mean of its own weights, each normalisation folded, and that share of the file's.

    L: (1, 1, H, W) that it takes, whatever it shows. What is new in the network stays. ColorizeError as `start_from`.
    """
    norms = _norms_by_convolution(network, L)
    own = _folded(network, norms)
    means = {name: own[name].lerp(value, share) for name, value in _stored(file, sha256, own).items()}
    _fill(network, norms, {**own, **means})


def version_of(file: Path) -> str:
    """The sha256 of a file to start from; ColorizeError where it cannot be read."""
    return hashlib.sha256(_content(file)).hexdigest()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ColorizeError(f"{file} cannot be read ({error.strerror}): name a model to start from.") from error


def _stored(file: Path, sha256: str, own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of that version, the weights that a network has too, whose `own` are as `_folded` gives them."""
    content = _content(file)
    try:
        stored = onnx.load_from_string(content).graph.initializer
    except Exception as error:  # onnx raises many kinds
        raise ColorizeError(f"{file} cannot be read as an ONNX file: name a model to start from.") from error
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise ColorizeError(
            f"{file} is another version than the one to start from: put that one there, "
            "or delete its sha256 in the recipe and begin anew."
        )
    named = {name.removeprefix("network."): value for name, value in unpacked(stored).items()}
    found = {name: value for name, value in named.items() if name in own and value.shape == own[name].shape}
    if not found:
        raise ColorizeError(f"{file} has no layer of this network: name a model that was made by the same one.")
    if any(f"{name}_bias" in own.keys() - found.keys() for name in found):
        raise ColorizeError(f"{file} names its layers in another way: it cannot be started from; choose another.")
    return found


def _folded(network: nn.Module, norms: dict[str, nn.BatchNorm2d]) -> dict[str, Tensor]:
    """Its parameters as the exporter names them: what it folds of a normalisation becomes a weight_bias."""
    weights = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    for name, norm in norms.items():
        assert norm.running_mean is not None and norm.running_var is not None, HAS_STATISTICS
        scale = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
        weights[f"{name}.weight"] *= scale[:, None, None, None]
        weights[f"{name}.weight_bias"] = norm.bias.detach() - norm.running_mean * scale
    return weights


def _fill(network: nn.Module, norms: dict[str, nn.BatchNorm2d], weights: dict[str, Tensor]) -> None:
    """Gives the network folded weights: a normalisation then adds its convolution's bias and does nothing else."""
    for name, parameter in network.named_parameters():
        if name in weights:
            parameter.data.copy_(weights[name])
    for name, norm in norms.items():
        bias = weights.get(f"{name}.weight_bias")
        if bias is not None:
            _set(norm, torch.zeros_like(bias), torch.ones_like(bias) - norm.eps, bias)


def _norms_by_convolution(network: nn.Module, L: Tensor) -> dict[str, nn.BatchNorm2d]:
    """The batch normalisation that reads each convolution's answer, by the convolution's name."""
    made_by: dict[int, str] = {}
    alive: list[Tensor] = []  # an id is only a tensor's own while it lives
    norms: dict[str, nn.BatchNorm2d] = {}

    def note(name: str, module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        alive.append(output)
        if isinstance(module, nn.Conv2d):
            made_by[id(output)] = name
        elif isinstance(module, nn.BatchNorm2d) and id(inputs[0]) in made_by:
            norms[made_by[id(inputs[0])]] = module

    hooks = [
        module.register_forward_hook(lambda module, inputs, output, name=name: note(name, module, inputs, output))
        for name, module in network.named_modules()
    ]
    _show(network, [L])
    for hook in hooks:
        hook.remove()
    return norms


def _unfold(network: nn.Module, norms: list[nn.BatchNorm2d], batches: list[Tensor]) -> None:
    """Measures what each normalisation reads, and gives it that mean and variance without a change of its answers."""
    sums = {norm: [torch.zeros_like(norm.bias), torch.zeros_like(norm.bias)] for norm in norms}

    def measure(norm: Any, inputs: tuple[Tensor]) -> None:
        for place, power in enumerate((1, 2)):
            sums[norm][place] += (inputs[0].float() ** power).mean(dim=(0, 2, 3)) / len(batches)

    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    _show(network, batches)
    for hook in hooks:
        hook.remove()
    for norm, (mean, mean_square) in sums.items():
        assert norm.running_mean is not None and norm.running_var is not None, HAS_STATISTICS
        scale = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
        shift = norm.bias.detach() - norm.running_mean * scale
        variance = (mean_square - mean**2).clamp(min=1e-6)
        _set(norm, mean, variance, shift + mean * scale, scale * (variance + norm.eps).sqrt())


def _set(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, bias: Tensor, weight: Tensor | None = None) -> None:
    assert norm.running_mean is not None and norm.running_var is not None, HAS_STATISTICS
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.bias.data.copy_(bias)
    norm.weight.data.copy_(torch.ones_like(bias) if weight is None else weight)


def _show(network: nn.Module, batches: Iterable[Tensor]) -> None:
    was_training = network.training
    network.eval()
    with torch.no_grad():
        for L in batches:
            network(L)
    network.train(was_training)
