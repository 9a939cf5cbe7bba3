"""Self-attention: what one part of a photograph is tells the colours of the others.

features (B, C, H, W)  ->  (B, C, H, W)

Vaswani et al., "Attention is all you need", NeurIPS 2017, in the pre-norm form, without positions: any size will do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEAD = 32  # channels of one head


class Attention(nn.Module):
    """One transformer block; it starts as the identity, so that it can join a network that has already learned."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD
        self.before, self.between = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.queries_keys_values = nn.Conv2d(channels, 3 * channels, 1)
        self.joined = nn.Conv2d(channels, channels, 1)
        self.widened, self.narrowed = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, channels, 1)
        for last in (self.joined, self.narrowed):
            nn.init.zeros_(last.weight)
            last.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.joined(self._attended(_normalised(x, self.before)))
        return x + self.narrowed(F.gelu(self.widened(_normalised(x, self.between))))

    def _attended(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W), each place the mean of those it looks at."""
        split = self.queries_keys_values(x).flatten(2).unflatten(1, (3, self.heads, HEAD))
        seen = F.scaled_dot_product_attention(*split.transpose(3, 4).unbind(1))
        return seen.transpose(2, 3).reshape(x.shape)


def _normalised(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Over the channels of each place."""
    return norm(x.movedim(1, -1)).movedim(-1, 1)
