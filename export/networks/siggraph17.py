"""Zhang et al., "Real-time user-guided image colorization with learned deep priors", SIGGRAPH 2017, without hints.

    L (B, 1, H, W), 0..100  ->  ab (B, 2, H, W), -110..110;  H and W are multiples of 8

Hints are the ab of a user's strokes and a mask of where they are, read beside L; here all three channels are 0.
The layers have the names of the authors' published weights, and answer under their white, D65.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from export.networks.zhang2016 import block, first_seven_blocks

HINTS = 3  # channels: a, b and the mask
RANGE = 110.0  # Lab units: what their 1 stands for


class Siggraph17(nn.Module):
    """`width` is the first block's channels, 64 in the paper; the others keep their proportions to it."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        seven = first_seven_blocks(width, 1 + HINTS, strided=False)
        self.model1, self.model2, self.model3, self.model4, self.model5, self.model6, self.model7 = seven
        self.model8up, self.model3short8 = _doubled(8 * width, 4 * width), _beside(4 * width, 4 * width)
        self.model8 = nn.Sequential(nn.ReLU(), *block(4 * width, 4 * width, 2))
        self.model9up, self.model2short9 = _doubled(4 * width, 2 * width), _beside(2 * width, 2 * width)
        self.model9 = nn.Sequential(nn.ReLU(), *block(2 * width, 2 * width, 1))
        self.model10up, self.model1short10 = _doubled(2 * width, 2 * width), _beside(width, 2 * width)
        self.model10 = nn.Sequential(nn.ReLU(), nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.LeakyReLU(0.2))
        self.model_out = nn.Sequential(nn.Conv2d(2 * width, 2, 1), nn.Tanh())

    def forward(self, L: Tensor) -> Tensor:
        x1 = self.model1(F.pad((L - 50) / 100, (0, 0, 0, 0, 0, HINTS)))
        x2 = self.model2(_halved(x1))
        x3 = self.model3(_halved(x2))
        x7 = self.model7(self.model6(self.model5(self.model4(_halved(x3)))))
        x8 = self.model8(self.model8up(x7) + self.model3short8(x3))
        x9 = self.model9(self.model9up(x8) + self.model2short9(x2))
        x10 = self.model10(self.model10up(x9) + self.model1short10(x1))
        ab: Tensor = RANGE * self.model_out(x10)
        return ab


def _halved(x: Tensor) -> Tensor:
    return x[:, :, ::2, ::2]


def _doubled(before: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(before, channels, 4, stride=2, padding=1))


def _beside(before: int, channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, channels, 3, padding=1))
