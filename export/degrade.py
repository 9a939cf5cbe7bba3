"""Makes a clean photograph look like an old scan: fading, stains, blur, scratches, grain, JPEG blocks, a border.

L (h, w), 0..100  ->  L (h, w), 0..100: what the network sees in training, while its target stays clean
Lab (h, w, 3 or more)  ->  framed: a border is no part of the picture, so it has no colour in the target either
"""

from __future__ import annotations

import cv2
import numpy as np
from colorize_neural.worker.color import Float


def degrade(L: Float, random: np.random.Generator) -> Float:
    """One or more of the faults of old scans, drawn by `random`."""
    drawn = random.random(len(FAULTS)) < 0.4
    drawn[random.integers(len(FAULTS))] = True
    for fault, is_drawn in zip(FAULTS, drawn, strict=True):
        if is_drawn:
            L = fault(L, random)
    return np.clip(L, 0, 100)


def frame(lab: Float, random: np.random.Generator) -> Float:
    """One time in four, a white or black border on some of the sides."""
    if random.random() < 0.75:
        return lab
    h, w = lab.shape[:2]
    top, left, bottom, right = (random.uniform(0, 0.1, 4) * (random.random(4) < 0.8) * (h, w, h, w)).astype(int)
    framed = np.zeros_like(lab)
    framed[..., 0] = random.uniform(0, 12) if random.random() < 0.5 else random.uniform(85, 100)
    framed[top : h - bottom, left : w - right] = lab[top : h - bottom, left : w - right]
    return framed


def fade(L: Float, random: np.random.Generator) -> Float:
    """Low contrast and a bent tone curve: black turns grey, white turns dull."""
    black, white = random.uniform(0, 30), random.uniform(70, 100)
    share = np.maximum(L, 0) / 100  # a negative number has no such power, and a rounding can make black one
    return (black + (white - black) * share ** random.uniform(0.7, 1.4)).astype(np.float32)


def blur(L: Float, random: np.random.Generator) -> Float:
    return cv2.GaussianBlur(L, (0, 0), random.uniform(0.4, 1.6))


def stain(L: Float, random: np.random.Generator) -> Float:
    """Patches that are lighter or darker, larger than a face and soft."""
    patches = random.standard_normal((4, 4), np.float32) * np.float32(random.uniform(2, 8))
    return L + cv2.resize(patches, L.shape[::-1], interpolation=cv2.INTER_CUBIC)


def scratch(L: Float, random: np.random.Generator) -> Float:
    """Fine lines, mostly along one side, and specks of dust; white or black."""
    h, w = L.shape
    L = L.copy()
    for _ in range(random.integers(1, 7)):
        x, y = random.uniform(0, w), random.uniform(0, h)
        length, slant = random.uniform(0.02, 1) * h, random.normal(0, 0.08) * h
        level = float(random.choice([4.0, 97.0]))
        start, end = (round(x * 16), round(y * 16)), (round((x + slant) * 16), round((y + length) * 16))
        cv2.line(L, start, end, level, thickness=1 + (random.random() < 0.2), lineType=cv2.LINE_AA, shift=4)
        speck = (int(random.integers(w)), int(random.integers(h)))
        cv2.circle(L, speck, int(random.integers(1, 3)), level, thickness=-1)
    return L


def grain(L: Float, random: np.random.Generator) -> Float:
    grain = random.standard_normal(L.shape, np.float32)
    if random.random() < 0.5:
        grain = 2 * cv2.GaussianBlur(grain, (0, 0), 0.8)  # clumps, as film has them
    return L + grain * np.float32(random.uniform(1, 7))


def jpeg(L: Float, random: np.random.Generator) -> Float:
    grey = np.clip(L * 2.55, 0, 255).astype(np.uint8)
    quality = int(random.integers(15, 70))
    _, encoded = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)).astype(np.float32) / np.float32(2.55)


FAULTS = (fade, stain, blur, scratch, grain, jpeg)  # in the order in which a photograph meets them
