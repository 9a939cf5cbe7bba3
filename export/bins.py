"""The 313 ab bins of Zhang, Isola and Efros (ECCV 2016) and what is measured on them.

ab (..., 2) in Lab units  ->  the nearest bins and their Gaussian weights (soft encoding, section 2.2)
"""

from __future__ import annotations

from functools import cache

import numpy as np
from colorize_neural.worker.color import Float
from numpy.typing import NDArray

GRID = 10  # Lab units between neighbours
NEAREST = 5
SIGMA = 5.0

#     a: (first b, last b), every 10 between
_ROWS = {
    -90: (50, 90),
    -80: (20, 90),
    -70: (0, 90),
    -60: (-20, 90),
    -50: (-30, 100),
    -40: (-40, 100),
    -30: (-50, 100),
    -20: (-50, 100),
    -10: (-60, 100),
    0: (-70, 100),
    10: (-80, 90),
    20: (-80, 90),
    30: (-90, 90),
    40: (-100, 90),
    50: (-100, 80),
    60: (-110, 80),
    70: (-110, 80),
    80: (-110, 70),
    90: (-110, 70),
    100: (-90, 0),
}
_TABLE_LIMIT = 128  # the encoding is looked up for whole ab values -128..128


@cache
def bin_centers() -> Float:
    """ab of the bins: (313, 2) in Lab units."""
    rows = [(a, b) for a, (low, high) in _ROWS.items() for b in range(low, high + 1, GRID)]
    return np.array(rows, np.float32)


@cache
def encoding_tables() -> tuple[NDArray[np.int64], Float]:
    """What `soft_encode` answers for all whole a and b in -128..128: (257, 257, 5) each, the first axis is a."""
    values = np.arange(-_TABLE_LIMIT, _TABLE_LIMIT + 1, dtype=np.float32)
    ab = np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)
    squares = ((ab[:, None] - bin_centers()) ** 2).sum(axis=2)
    nearest = np.argpartition(squares, NEAREST, axis=1)[:, :NEAREST]
    near_squares = np.take_along_axis(squares, nearest, axis=1)
    weights = np.exp(-(near_squares - near_squares.min(axis=1, keepdims=True)) / (2 * SIGMA**2))
    shape = (len(values), len(values), NEAREST)
    return nearest.reshape(shape), (weights / weights.sum(axis=1, keepdims=True)).reshape(shape)


def soft_encode(ab: Float) -> tuple[NDArray[np.int64], Float]:
    """ab (..., 2) -> indices and weights (..., 5) of the five nearest bins, a Gaussian of sigma 5; weights sum to 1."""
    nearest, weights = encoding_tables()
    a, b = np.moveaxis(np.clip(np.rint(ab), -_TABLE_LIMIT, _TABLE_LIMIT).astype(np.intp) + _TABLE_LIMIT, -1, 0)
    return nearest[a, b], weights[a, b]


def measure_prior(ab: Float) -> Float:
    """ab (n, 2) of many pixels -> how often each bin occurs, smoothed by the soft encoding: (313,), sums to 1."""
    nearest, weights = soft_encode(ab)
    counts = np.bincount(nearest.ravel(), weights.ravel().astype(np.float64), minlength=len(bin_centers()))
    return (counts / counts.sum()).astype(np.float32)


def class_weights(prior: Float, uniform_share: float) -> Float:
    """Weights of the classes by rarity (section 2.2, equation 4): (313,), their mean under the prior is 1.

    `uniform_share` is the paper's lambda: 1 weighs all alike, 0 fully by rarity.
    """
    common = (1 - uniform_share) * prior + uniform_share / len(prior)
    weights = 1 / np.maximum(common, common[common > 0].min())  # a bin that never occurred has no rarity of its own
    return (weights / (prior * weights).sum()).astype(np.float32)
