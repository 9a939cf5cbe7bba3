"""Whether colours stay as they are when the photograph looks old, or is small or large.

systems, truths (sRGB uint8 (h, w, 3))  ->  {system: {what: number}}, tables of `export.evaluate`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from colorize_neural.worker.color import Float
from colorize_neural.worker.pixels import lightness

from export.degrade import FAULTS, degrade
from export.metrics import Rgb, ab_error, ab_of
from export.photos import spread
from export.systems import System, grey, grey_from_lightness, painted, resized, shrunk

FAULT_PHOTOS = 48  # how many are degraded by each fault alone
SIZE_PHOTOS = 12  # how many are coloured at other sizes: the largest takes seconds each
REFERENCE = 512  # pixels: shorter side of the photographs that those of other sizes are compared with
SIDES = (64, 256, 4000)
Fault = Callable[[Float, np.random.Generator], Float]


def degraded_rows(
    systems: dict[str, System], truths: Sequence[Rgb], clean: dict[str, float]
) -> dict[str, dict[str, float]]:
    """The ab error of each system where the lightness it sees looks like an old scan's, and its ratio to `clean`.

    The other ratios are those of each fault alone, on some of the photographs. Borders, which hide the truth, are
    trained on but not measured.
    """
    some = spread(truths, FAULT_PHOTOS)
    rows = {}
    for name, system in systems.items():
        error = degraded_error(system, truths, degrade)
        clean_of_some = np.mean([ab_error(system(truth), truth) for truth in some])
        alone = {fault.__name__: degraded_error(system, some, fault) / float(clean_of_some) for fault in FAULTS}
        rows[name] = {"degraded_ab_error": error, "degraded_ratio": error / clean[name], **alone}
    return rows


def degraded_error(system: System, truths: Sequence[Rgb], fault: Fault) -> float:
    """The mean ab error, Lab units, of photographs whose lightness has suffered `fault`; the same at every call.

    The colours found are put on the clean lightness, as those found in a clean photograph are, and then compared
    with the truth. So both errors are of colours within the same gamut: the wide one of a faded black is no
    drawback. What a scratch's white or black could not carry stays lost; that moves the ratio by less than 0.001.
    """
    errors = []
    for place, truth in enumerate(truths):
        clean = lightness(truth)
        L = np.clip(fault(clean, np.random.default_rng(place)), 0, 100)
        errors.append(ab_error(painted(clean, ab_of(system(grey_from_lightness(L)))), truth))
    return float(np.mean(errors))


def size_differences(systems: dict[str, System], truths: Sequence[Rgb]) -> dict[str, dict[str, float]]:
    """How far a photograph's colours at each of SIDES are from those at REFERENCE: the mean in ab, Lab units.

    Both are shrunk before: to the photograph's own size, or the smaller one of the two.
    """
    some = spread(truths, SIZE_PHOTOS)
    rows = {}
    for name, system in systems.items():
        differences = np.array([_differences(system, truth) for truth in some]).mean(axis=0)
        rows[name] = {f"{side}_px": float(value) for side, value in zip(SIDES, differences, strict=True)}
    return rows


def _differences(system: System, truth: Rgb) -> list[float]:
    plain = grey(truth)
    reference = system(resized(plain, REFERENCE))
    differences = []
    for side in SIDES:
        result = system(resized(plain, side))
        h, w = shrunk(truth, side).shape[:2]
        small = [cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA) for rgb in (result, reference)]
        differences.append(ab_error(*small))
    return differences
