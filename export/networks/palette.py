"""Li, Zhang, Xie and Yan's colorizer: a palette of few colours, and a dense layer that sees the whole picture.

    L (B, 1, side, side), 0..100  ->  L and the scores of the palette's colours (B, 1 + colours, side, side)

A dense layer from every feature of every pixel to every score of every pixel, as printed, would have a billion
weights. Here it reads the features' means in a few cells, and its answer for each cell is added to the features of
the pixels around. L is passed on, for without it nobody knows which of the palette's colours is the true one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.lab import grey_from_lightness


class Palette(nn.Module):
    """`width` kernels of 3x3; `cells` along a side, which divide it; `dense` is what the whole picture becomes."""

    def __init__(self, *, side: int, colours: int, width: int, cells: int, dense: int, dropout: float) -> None:
        super().__init__()
        inputs = width * cells**2
        self.features = nn.Conv2d(1, width, kernel_size=3, padding=1)
        self.whole = nn.Sequential(
            *(nn.AvgPool2d(side // cells), nn.Flatten(), nn.Linear(inputs, dense), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(dense, inputs), nn.Unflatten(1, (width, cells, cells))),
            nn.Upsample(scale_factor=side // cells, mode="bilinear"),
        )
        self.scores = nn.Conv2d(width, colours, kernel_size=1)

    def forward(self, L: Tensor) -> Tensor:
        features = F.relu(self.features(2 * grey_from_lightness(L) - 1))
        return torch.cat([L, self.scores(F.relu(features + self.whole(features))).float()], dim=1)
