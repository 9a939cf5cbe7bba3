"""The palette of Li, Zhang, Xie and Yan for real, but in seconds: K-means, padding, the dense layer, both losses."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.colorizer import Colorizer, Options
from skimage import data

from export import palette
from export.crops import Crops, split_photos
from export.losses import LOSSES, PaletteCrossEntropy
from export.networks import NETWORKS
from export.photos import find_photos
from export.recipe import RECIPES, read_recipe
from export.to_onnx import load_run, write_run

RECIPE = read_recipe(RECIPES / "palette.toml")
COLOURS = np.array([[200, 40, 30], [30, 60, 180], [220, 220, 210], [20, 20, 25]], np.uint8)  # sRGB
BOTH = ["palette-cross-entropy", "palette-squared-error"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pieces of two photographs, those of one portraits as far as their folder says."""
    folder = tmp_path_factory.mktemp("photos")
    for name, source in (("astronaut", "utkface"), ("coffee", "food")):
        bgr = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR)
        (folder / source).mkdir()
        for place in range(30):
            left, top = 30 * (place % 6), 30 * (place // 6)
            cv2.imwrite(str(folder / source / f"{place:02}.png"), bgr[top : top + 96, left : left + 128])
    return folder


def known() -> PaletteCrossEntropy:
    """A loss whose palette is COLOURS, found in one picture whose columns have one of these colours each."""
    side = RECIPE.data.crop
    noise = np.random.default_rng(0).normal(0, 0.002, (side, side, 3))
    rgb = np.clip(COLOURS[np.arange(side) % len(COLOURS)] / 255 + noise, 0, 1).astype(np.float32)
    loss = PaletteCrossEntropy(len(COLOURS))
    np.random.seed(1)
    loss.prepare(iter([lab_from_rgb(rgb).reshape(-1, 3)]))
    return loss


def test_k_means_finds_the_colours_of_the_photographs() -> None:
    found = sorted(known().palette.tolist())
    assert np.array(found) == pytest.approx(np.array(sorted((COLOURS / 255).tolist())), abs=0.01)


def answer_of(loss: PaletteCrossEntropy, confidence: float) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network would answer that knows each pixel's colour, (1, 1 + 4, 1, 4), and the true ab (1, 2, 1, 4)."""
    lab = torch.from_numpy(lab_from_rgb(COLOURS.astype(np.float32) / 255)).T[None, :, None]
    nearest = torch.cdist(torch.from_numpy(COLOURS / 255).float(), loss.palette).argmin(dim=1)
    scores = torch.nn.functional.one_hot(nearest, 4).T[None, :, None] * confidence
    return torch.cat([lab[:, :1], scores.float()], dim=1), lab[:, 1:]


@pytest.mark.parametrize("name", BOTH)
def test_both_losses_are_smaller_for_who_knows_the_colours(name: str) -> None:
    loss, found = LOSSES[name](colours=4), known()
    loss.load_state_dict(found.state_dict())
    sure, ab = answer_of(found, 9.0)
    unsure, _ = answer_of(found, 0.0)
    assert loss(sure, ab) < loss(unsure, ab) / 5


def test_the_temperature_acts_on_the_palettes_chances() -> None:
    loss = known()
    answer, ab = answer_of(loss, 1.0)
    with torch.no_grad():
        cold, warm = loss.decoder()(answer, torch.tensor([0.05, 1.0]))
    assert (cold - ab[0]).abs().max() < 2
    assert warm.norm(dim=0)[0, 0] < 0.7 * cold.norm(dim=0)[0, 0]


def test_photographs_are_seen_whole_with_white_around_them_that_has_no_colour(photos: Path) -> None:
    crops = Crops(find_photos([photos]), RECIPE.data)
    for crop in (crops[0], crops[0, 0]):
        L, ab = crop["L"][0], crop["ab"]
        assert L.shape == ab.shape[1:] == (64, 64)
        assert (L[:8] == 100).all()
        assert (L[-8:] == 100).all()
        assert not ab[:, :8].any()
        assert (L[8:-8] < 100).float().mean() > 0.9


def test_the_recipe_learns_what_the_model_is_shown() -> None:
    size = RECIPE.manifest.size
    assert (RECIPE.data.crop, RECIPE.data.padding) == (size["side"], size["padding"])


def test_the_dense_layer_tells_every_corner_of_the_others() -> None:
    network = NETWORKS["palette"](**RECIPE.network.options).eval()
    L = torch.rand(1, 1, 64, 64) * 100
    other = L.clone()
    other[..., 56:, 56:] = 0
    with torch.no_grad():
        assert (network(L) != network(other))[0, 1:, 2, 2].any()


@pytest.mark.parametrize(("count", "kept"), [(30, 9), (5, 1), (1, 0)])
def test_seven_of_ten_are_learned_from(photos: Path, count: int, kept: int) -> None:
    found = find_photos([photos / "utkface"])[:count]
    learned, others = split_photos(found, RECIPE.data.held_out)
    assert len(others) == kept
    assert sorted([*learned, *others], key=found.index) == found


def test_both_losses_are_compared_and_the_palette_becomes_a_model(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.png"
    few = ["--minutes", "0.03", "--tested", "3", "--sheet", str(sheet)]
    palette.main(["--photos", str(photos), "--out", str(tmp_path), *few])
    out = capsys.readouterr().out
    rows = re.findall(r"^\| ([a-z -]+) \| ([a-z ]+) \| ([\d.]+) \| [+-][\d.]+ \| [\d.]+ \| \d+ \|$", out, re.MULTILINE)
    kinds = (palette.PORTRAITS, palette.OTHERS)
    assert [row[:2] for row in rows] == [(loss, kind) for loss in palette.CHANGES for kind in kinds]
    assert "Colourfulness of portraits is" in out
    shown = cv2.imread(str(sheet))
    assert shown is not None
    assert shown.shape[1] == (2 + 2) * 164  # grey and the truth beside the two

    training = load_run(tmp_path / "cross-entropy")
    assert len(torch.unique(training.loss.get_buffer("palette"), dim=0)) == 32
    write_run(training, tmp_path / "models")
    pixels = np.repeat(data.astronaut()[:120, :200, :1], 3, axis=2)
    before = pixels.copy()
    Colorizer(tmp_path / "models").colorize(pixels, Options(), lambda _fraction, _text: None)
    assert not np.array_equal(pixels, before)


def test_nothing_but_portraits_is_a_sentence(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos / "utkface", tmp_path / "utkface")
    with pytest.raises(ColorizeError, match="name others too"):
        palette.main(["--photos", str(tmp_path)])
