"""Photographs of any size and number, made of the samples."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "samples").glob("*-19*.jpg"))


def write_photograph(file: Path, size: tuple[int, int], number: int = 0) -> Path:
    """A JPEG of that height and width, cut from a sample at a place which depends on the number -> the file."""
    bgr = np.asarray(cv2.imread(str(SAMPLES[number % len(SAMPLES)])))
    random = np.random.default_rng(number)
    side = int(min(bgr.shape[:2]) * random.uniform(0.6, 0.9))
    top, left = (int(random.integers(whole - side + 1)) for whole in bgr.shape[:2])
    photo = cv2.resize(bgr[top : top + side, left : left + side], size[::-1], interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(file), photo, [cv2.IMWRITE_JPEG_QUALITY, 93])
    return file
