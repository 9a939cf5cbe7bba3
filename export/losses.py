"""What a network is trained to make small."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(scores: Tensor, nearest: Tensor, shares: Tensor, class_weights: Tensor) -> Tensor:
    """Cross-entropy of soft-encoded bins, each pixel weighed by the rarity of its bin; a scalar.

    scores (B, Q, h, w); nearest, shares (B, h, w, 5) as `bins.soft_encode` gives them; class_weights (Q,).
    Zhang, Isola and Efros, ECCV 2016, equations 2 and 3: a pixel's rarity is that of its nearest bin.
    """
    pixels = scores.permute(0, 2, 3, 1).float().flatten(0, 2)
    nearest, shares = nearest.flatten(0, 2), shares.flatten(0, 2)
    truth = torch.zeros_like(pixels).scatter_add_(1, nearest, shares)
    rarity = class_weights[nearest.gather(1, shares.argmax(dim=1, keepdim=True)).squeeze(1)]
    return (F.cross_entropy(pixels, truth, reduction="none") * rarity).mean()
