"""Liang, Su, Xiao, Guo and Luo, colorization by patches (2016): two networks of the same shape, one for U, one for V.

    L (B, 1, H, W), 0..100  ->  L, U and V (B, 3, H, W): U -0.436..0.436, V -0.615..0.615, as `export/yuv.py` has them

Theirs read patches of 64 pixels and answer the middle 56. Here every convolution keeps the size, zeros around what it
reads, and the loss leaves out the border of 4 pixels; so any photograph is one large patch. L is passed on, for
without it U and V are no colour.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from export.lab import grey_from_lightness
from export.yuv import UV_LIMITS


class Liang2016(nn.Module):
    """`kernels` are the sides of the convolutions, each of `width` kernels but the last, which has half of them."""

    def __init__(self, width: int, kernels: list[int]) -> None:
        super().__init__()
        self.u, self.v = _patchwise(width, kernels), _patchwise(width, kernels)

    def forward(self, L: Tensor) -> Tensor:
        Y = 2 * grey_from_lightness(L) - 1
        uv = [limit * network(Y).float().tanh() for network, limit in zip((self.u, self.v), UV_LIMITS, strict=True)]
        return torch.cat([L, *uv], dim=1)


def _patchwise(width: int, kernels: list[int]) -> nn.Sequential:
    """Y (B, 1, H, W), -1..1 -> what becomes U or V (B, 1, H, W)."""
    layers: list[nn.Module] = []
    below = 1
    for place, kernel in enumerate(kernels, 1):
        channels = width if place < len(kernels) else width // 2
        before, after = (kernel - 1) // 2, kernel // 2
        convolution = nn.Conv2d(below, channels, kernel)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")  # He et al. 2015: as strong as it came in
        layers += [nn.ZeroPad2d((before, after, before, after)), convolution, nn.ReLU()]
        below = channels
    mapping = nn.Conv2d(below, 1, kernel_size=1)
    for start in mapping.parameters():
        nn.init.zeros_(start)  # grey
    return nn.Sequential(*layers, mapping)
