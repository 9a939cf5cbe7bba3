"""Makes a clean lightness look like an old scan: fading, blur, grain, JPEG blocks.

L (h, w), 0..100  ->  L (h, w), 0..100: what the network sees in training, while its target stays clean
"""

from __future__ import annotations

import cv2
import numpy as np
from colorize_neural.worker.color import Float


def degrade(L: Float, random: np.random.Generator) -> Float:
    """One or more of the faults of old scans, drawn by `random`."""
    faults = [_fade, _blur, _grain, _jpeg]
    drawn = random.random(len(faults)) < 0.5
    drawn[random.integers(len(faults))] = True
    for fault, is_drawn in zip(faults, drawn, strict=True):
        if is_drawn:
            L = fault(L, random)
    return np.clip(L, 0, 100)


def _fade(L: Float, random: np.random.Generator) -> Float:
    """Low contrast and a bent tone curve: black turns grey, white turns dull."""
    black, white = random.uniform(0, 30), random.uniform(70, 100)
    return (black + (white - black) * (L / 100) ** random.uniform(0.7, 1.4)).astype(np.float32)


def _blur(L: Float, random: np.random.Generator) -> Float:
    return cv2.GaussianBlur(L, (0, 0), random.uniform(0.4, 1.6))


def _grain(L: Float, random: np.random.Generator) -> Float:
    grain = random.standard_normal(L.shape, np.float32)
    if random.random() < 0.5:
        grain = 2 * cv2.GaussianBlur(grain, (0, 0), 0.8)  # clumps, as film has them
    return L + grain * np.float32(random.uniform(1, 7))


def _jpeg(L: Float, random: np.random.Generator) -> Float:
    grey = np.clip(L * 2.55, 0, 255).astype(np.uint8)
    quality = int(random.integers(15, 70))
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)).astype(np.float32) / np.float32(2.55)
