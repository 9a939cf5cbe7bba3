"""Weights that take less room in an ONNX file: 16 bits, or 8 where there are many; the arithmetic stays in 32.

    float32 weights (n, ...)  <->  float16, or int8 with a float32 scale for each of the n

The largest ones, those of deep layers, are the ones that a network feels least: in 8 bits they move the default model's
colours by 0.1 Lab units; all the others in 8 bits too would move them by 0.4.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
import torch
from onnx.helper import make_node
from onnx.numpy_helper import from_array, to_array
from torch import Tensor

HALF_FROM = 1024  # weights with fewer elements stay float32: they are biases and norms, and cost nothing
BYTES_FROM = 65_536  # elements
_ROW = 64  # elements, the fewest that share a scale
_LARGEST = 127
_HALF, _BYTES, _SCALE = ".half", ".int8", ".scale"  # what is added to a weight's name


def pack(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stores the large float32 weights of a model so, with nodes that ONNX Runtime folds when it loads."""
    kept, nodes = [], []
    for weight in model.graph.initializer:
        name, values = weight.name, to_array(weight)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            kept.append(weight)
        elif values.size < BYTES_FROM or values[0].size < _ROW:
            kept.append(from_array(values.astype(np.float16), name + _HALF))
            nodes.append(make_node("Cast", [name + _HALF], [name], to=onnx.TensorProto.FLOAT))
        else:
            scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True) / _LARGEST
            scale[scale == 0] = 1
            whole = np.rint(values / scale).astype(np.int8)
            kept += [from_array(whole, name + _BYTES), from_array(scale.astype(np.float32), name + _SCALE)]
            nodes.append(make_node("Cast", [name + _BYTES], [f"{name}.steps"], to=onnx.TensorProto.FLOAT))
            nodes.append(make_node("Mul", [f"{name}.steps", name + _SCALE], [name]))
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model


def unpack(model: onnx.ModelProto) -> onnx.ModelProto:
    """The inverse of `pack`, but for what was rounded: float32 weights by their own names."""
    weights = unpacked(model.graph.initializer)
    stored = {one.name for one in model.graph.initializer}
    added = weights.keys() - stored
    made = added | {f"{name}.steps" for name in added}
    kept = [one for one in model.graph.initializer if one.name in weights]
    nodes = [node for node in model.graph.node if node.output[0] not in made]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend([*kept, *(from_array(weights[name].numpy(), name) for name in sorted(added))])
    model.graph.node.extend(nodes)
    return model


def unpacked(stored: Iterable[onnx.TensorProto]) -> dict[str, Tensor]:
    """float32 weights of a model's initializers, by the names that they had before they were packed."""
    values = {one.name: to_array(one) for one in stored}
    weights = {}
    for name, value in values.items():
        plain = name.removesuffix(_BYTES)
        if plain + _SCALE in values and plain != name:
            weights[plain] = value * values[plain + _SCALE]
        elif name.removesuffix(_SCALE) + _BYTES not in values:
            weights[name.removesuffix(_HALF)] = value
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()}
