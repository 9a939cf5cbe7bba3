"""What a network is trained to make small."""

from __future__ import annotations

from torch import Tensor


def soft_cross_entropy(scores: Tensor, nearest: Tensor, shares: Tensor, class_weights: Tensor) -> Tensor:
    """Cross-entropy of soft-encoded bins, each pixel weighed by the rarity of its bin; a scalar.

    scores (B, Q, h, w); nearest, shares (B, h, w, 5) as `bins.soft_encode` gives them; class_weights (Q,).
    Zhang, Isola and Efros, ECCV 2016, equations 2 and 3: a pixel's rarity is that of its nearest bin.
    """
    nearest, shares = nearest.permute(0, 3, 1, 2), shares.permute(0, 3, 1, 2)
    scores = scores.float()
    likelihood = (scores.gather(1, nearest) * shares).sum(dim=1) - scores.logsumexp(dim=1)
    rarity = class_weights[nearest.gather(1, shares.argmax(dim=1, keepdim=True)).squeeze(1)]
    return -(likelihood * rarity).mean()
