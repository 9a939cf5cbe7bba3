"""sRGB <-> Lab under D50: published values, and what every photograph relies on."""

from __future__ import annotations

import numpy as np
import pytest
from colorize_neural.worker import color


@pytest.mark.parametrize(
    ("rgb", "lab"),  # Bruce Lindbloom's calculator: sRGB, Bradford, D50
    [
        ((1, 0, 0), (54.29, 80.81, 69.89)),
        ((0, 1, 0), (87.82, -79.29, 80.99)),
        ((0, 0, 1), (29.57, 68.30, -112.03)),
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_lab_has_the_published_values_of_the_primaries(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    assert color.lab_from_rgb(np.array(rgb, np.float32)) == pytest.approx(lab, abs=0.01)


@pytest.mark.parametrize("steps", [256, 65536])
def test_every_grey_comes_back_value_for_value(steps: int) -> None:
    L = color.lightness_from_place(color.place_levels(steps))
    rgb = color.rgb_in_gamut(L[None], np.zeros((1, steps, 2), np.float32))
    assert np.array_equal(np.rint(rgb[0] * (steps - 1)), np.repeat(np.arange(steps)[:, None], 3, axis=1))


@pytest.mark.parametrize("steps", [256, 65536])
def test_black_is_0_and_not_below(steps: int) -> None:
    assert 0 <= color.lightness_from_place(color.place_levels(steps))[0] < 1e-5


def test_every_eighth_colour_comes_back_within_a_hundredth_of_an_8_bit_step() -> None:
    levels = np.linspace(0, 1, 33, dtype=np.float32)
    rgb = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    assert np.abs(color.rgb_from_lab(color.lab_from_rgb(rgb)) - rgb).max() < 0.01 / 255


def test_greys_have_no_colour_at_all() -> None:
    greys = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[:, None], 3, axis=1)
    assert np.abs(color.lab_from_rgb(greys)[:, 1:]).max() < 1e-4


def test_colours_out_of_gamut_lose_chroma_and_keep_lightness_and_hue() -> None:
    grids = np.meshgrid(np.arange(0, 101, 2), np.arange(-100, 101, 8), np.arange(-100, 101, 8))
    L, a, b = (grid.astype(np.float32).reshape(1, -1) for grid in grids)
    ab = np.stack([a, b], axis=-1)
    rgb = color.rgb_in_gamut(L, ab)
    found = color.lab_from_rgb(rgb)
    assert rgb.min() > -1e-3
    assert rgb.max() < 1 + 1e-3
    assert np.abs(found[..., 0] - L).mean() < 1e-4
    assert np.abs(found[..., 0] - L).max() < 0.1
    across = found[..., 1] * ab[..., 1] - found[..., 2] * ab[..., 0]  # 0 where both point the same way
    assert np.abs(across / np.linalg.norm(ab, axis=-1)).max() < 0.3
    assert np.abs(across / np.linalg.norm(ab, axis=-1)).mean() < 0.01
    assert (np.linalg.norm(found[..., 1:], axis=-1) <= np.linalg.norm(ab, axis=-1) + 0.05).all()


def test_a_saturated_colour_is_pushed_only_to_the_edge_of_the_gamut() -> None:
    rgb = color.rgb_in_gamut(np.full((1, 1), 50, np.float32), np.full((1, 1, 2), 100, np.float32))
    assert min(rgb.min(), 1 - rgb.max()) < 0.01
