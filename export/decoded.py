"""Losses of decoded colours: how far they are from the truth's, and how much more or less colourful.

    L (B, 1, h, w), 0..100;  ab and true ab (B, 2, h, w), Lab units  ->  a scalar, the mean over the crops

The distance alone would leave grey what cannot be known; a colourfulness that is to be the truth's, no more and no
less, gives colours back where they cost least.
"""

from __future__ import annotations

from torch import Tensor

from export.lab import rgb_from_lab

_USUAL_DISTANCE, _USUAL_COLOURFULNESS = 15.0, 40.0  # of photographs from grey: what the scalars are shares of
_BLUNT = 4.0  # Lab units: nearer than this, the distance counts about as its square
_NEARLY_GREY = 1e-3  # so that a root has a gradient at grey too


def distance(ab: Tensor, true_ab: Tensor) -> Tensor:
    """In the ab plane, blunted at 0 (Charbonnier et al. 1994)."""
    squares = (ab - true_ab).square().sum(dim=1)
    return ((squares + _BLUNT**2).sqrt() - _BLUNT).mean() / _USUAL_DISTANCE


def colourfulness_gap(L: Tensor, ab: Tensor, true_ab: Tensor) -> Tensor:
    """Between the colourfulness of each crop and of its truth, whichever is larger."""
    return (colourfulness(L, ab) - colourfulness(L, true_ab)).abs().mean() / _USUAL_COLOURFULNESS


def colourfulness(L: Tensor, ab: Tensor) -> Tensor:
    """Of each crop (B,): as `metrics.colourfulness`."""
    red, green, blue = (255 * rgb_from_lab(L, ab)).flatten(2).unbind(1)
    first, second = red - green, (red + green) / 2 - blue
    spread = first.var(dim=1) + second.var(dim=1)
    means = first.mean(dim=1).square() + second.mean(dim=1).square()
    return (spread + _NEARLY_GREY).sqrt() + 0.3 * (means + _NEARLY_GREY).sqrt()
