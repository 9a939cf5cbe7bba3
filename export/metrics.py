"""How near colours come to the truth, and how believable they are: the figures of `export.evaluate`.

sRGB, uint8 (h, w, 3), of the result and of the truth  ->  numbers
"""

from __future__ import annotations

import numpy as np
from colorize_neural.worker.color import Float, lab_from_rgb
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

Rgb = NDArray[np.uint8]


def ab_of(rgb: Rgb) -> Float:
    """ab (h, w, 2) in Lab units."""
    return lab_from_rgb(rgb.astype(np.float32) / np.float32(255))[..., 1:]


def ab_error(rgb: Rgb, truth: Rgb) -> float:
    """Mean distance in the ab plane, Lab units."""
    return float(np.linalg.norm(ab_of(rgb) - ab_of(truth), axis=2).mean())


def psnr(rgb: Rgb, truth: Rgb) -> float:
    """Peak signal-to-noise ratio over R, G and B, dB; at most 60, which equal photographs get."""
    with np.errstate(divide="ignore"):
        return float(min(peak_signal_noise_ratio(truth, rgb), 60.0))


def ssim(rgb: Rgb, truth: Rgb) -> float:
    """Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) in squares of 7 x 7, mean over R, G and B."""
    return float(structural_similarity(truth, rgb, channel_axis=2))


def colourfulness(rgb: Rgb) -> float:
    """Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003, equation for M(3)."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    first, second = red - green, (red + green) / 2 - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))


def frechet_distance(features: Float, truths: Float) -> float:
    """Fréchet distance of two Gaussians fitted to features (n, d) (Heusel et al. 2017, equation 6).

    The trace of sqrt(C1 C2) is the nuclear norm of X1 X2' / (n - 1), X the centred features: no d x d matrix needed.
    """
    x, y = features - features.mean(axis=0), truths - truths.mean(axis=0)
    of_x, of_y = len(x) - 1, len(y) - 1
    means = ((features.mean(axis=0) - truths.mean(axis=0)) ** 2).sum()
    traces = (x**2).sum() / of_x + (y**2).sum() / of_y
    return float(means + traces - 2 * np.linalg.norm(x @ y.T, "nuc") / np.sqrt(of_x * of_y))
