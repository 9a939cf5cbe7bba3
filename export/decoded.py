"""Losses of decoded colours: how far they are from the truth's, and whether there is as much of them.

    ab and true ab (B, 2, h, w), Lab units  ->  for each crop (B,), the mean over its pixels

The distance alone would leave grey what cannot be known; a crop whose chromas are to be the truth's, wherever they lie,
gives colours back where they cost least.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_USUAL = 15.0  # Lab units, how far photographs are from grey: what the scalars are shares of
_BLUNT = 4.0  # Lab units: nearer than this, the distance counts about as its square
_NEARLY_GREY = 1e-3  # so that a root has a gradient at grey too


def distance(ab: Tensor, true_ab: Tensor) -> Tensor:
    """In the ab plane, blunted at 0 (Charbonnier et al. 1994)."""
    squares = (ab - true_ab).square().sum(dim=1)
    return ((squares + _BLUNT**2).sqrt() - _BLUNT).mean(dim=(1, 2)) / _USUAL


def chroma_gap(ab: Tensor, true_ab: Tensor) -> Tensor:
    """Between the chromas of each crop and of its truth, in order: the Wasserstein distance of their distributions.

    A small patch that is too vivid cannot make up for all that is too pale, as it can in a mean or a spread.
    """
    return (_ordered_chromas(ab) - _ordered_chromas(true_ab)).abs().mean(dim=1) / _USUAL


def drawn_temperatures(limits: Sequence[float], default: float, crops: int) -> tuple[Tensor, Tensor]:
    """At which temperature each crop is decoded (B,), and what the weight of its chroma is multiplied by there (B,).

    limits: [] for the default one and 1; else the lowest and the highest, where the weight has fallen to 0.
    """
    if not limits:
        return torch.full((crops,), default), torch.ones(crops)
    low, high = limits
    drawn = low + (high - low) * torch.rand(crops)
    return drawn, (high - drawn) / (high - default)


def _ordered_chromas(ab: Tensor) -> Tensor:
    """Of each crop (B, h w), from the palest pixel to the most vivid."""
    return (ab.square().sum(dim=1) + _NEARLY_GREY).sqrt().flatten(1).sort().values
