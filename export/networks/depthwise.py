"""A depthwise convolution that learns fast on a CPU.

x (B, C, H, W)  ->  (B, C, H / stride, W / stride);  zeros around it as TensorFlow's "same" has them for even sides

The library's own backward pass in bfloat16 is slow where the stride is not 1 or the kernel not 3x3, up to a hundred
times slower than forward, and takes half of a whole training step. Both cases are brought back to the fast one here;
`python -m tests.bench depthwise` prints the gain. An export sees an ordinary convolution.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Depthwise(nn.Conv2d):
    """As many groups as channels, a square kernel of 3 or 5, a stride of 1 or 2, no bias."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(channels, channels, kernel, stride, groups=channels, bias=False)
        self.edges = _edges(kernel, stride)

    @staticmethod
    def like(convolution: nn.Conv2d) -> Depthwise:
        """The same weights in this class."""
        copy = Depthwise(convolution.in_channels, convolution.kernel_size[0], convolution.stride[0])
        copy.weight = convolution.weight
        return copy

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and x.device.type == "cpu"):
            return super().forward(F.pad(x, self.edges))
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):  # a function of one's own is not cast by autocast
            dtype = torch.get_autocast_dtype("cpu")
            x, weight = x.to(dtype), weight.to(dtype)
        y: Tensor = _FastBackward.apply(x, weight, self.stride[0])  # type: ignore[no-untyped-call]  # torch leaves it so
        return y


def _edges(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Zeros before and after in both directions, as F.pad takes them."""
    before, after = kernel // 2 - (stride - 1), kernel // 2
    return before, after, before, after


class _FastBackward(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        context.save_for_backward(x, weight)
        context.stride = stride
        return F.conv2d(F.pad(x, _edges(weight.shape[-1], stride)), weight, stride=stride, groups=len(weight))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = context.saved_tensors
        gradient = gradients[0]
        if context.stride > 1:  # with a stride of 1 and even edges, these would be the second, fourth, ... answers
            spread = torch.zeros_like(x)
            spread[:, :, 1::2, 1::2] = gradient
            gradient = spread
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_x = _backward(gradient, x, weight, weight.shape[-1] // 2, (True, False, False))[0]
        return of_x, _gradient_of_weight(gradient, x, weight), None


def _gradient_of_weight(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """For a 5x5 kernel: four 3x3 ones cover it, each on a shifted part of x."""
    only_weight = (False, True, False)
    if weight.shape[-1] == 3:
        return _backward(gradient, x, weight, 1, only_weight)[1]
    h, w = gradient.shape[-2:]
    padded, found = F.pad(x, (2, 2, 2, 2)), torch.empty_like(weight)
    corner = weight[:, :, :3, :3].contiguous(memory_format=torch.channels_last)
    for top in (0, 2):
        for left in (0, 2):
            part = padded[:, :, top : top + h + 2, left : left + w + 2].contiguous(memory_format=torch.channels_last)
            found[:, :, top : top + 3, left : left + 3] = _backward(gradient, part, corner, 0, only_weight)[1]
    return found


def _backward(gradient: Tensor, x: Tensor, weight: Tensor, padding: int, wanted: tuple[bool, bool, bool]) -> Any:
    """The library's own, with stride 1: gradients of x, weight and bias, each where wanted."""
    of_all = torch.ops.aten.convolution_backward
    return of_all(gradient, x, weight, None, [1, 1], [padding] * 2, [1, 1], False, [0, 0], len(weight), wanted)
