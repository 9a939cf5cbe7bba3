"""Several processes train together, for real: they see what one would see, and learn what one would learn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from colorize_neural.errors import ColorizeError
from skimage import data

from export.batches import Draws
from export.photos import find_photos
from export.recipe import RECIPES, read_recipe
from export.train import LAST, train

REPOSITORY = Path(__file__).resolve().parents[1]
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "precision": "32-true"}
#  of Liang 2016, which has no batch normalisation and learns by SGD; the sum of gradients stays in its momentum
SMALL = {
    "width = 48": "width = 4",
    "crop = 64": "crop = 32",
    "degraded = 0.0": "degraded = 0.4",
    "held_out = 0.0476": "held_out = 0.4",
    'sources = ["intel_scenes"]': "sources = []",
    "border = 4 }": "border = 4 }\nspacing = 2",
    "batch = 16": "batch = 4",
    "ema = 0.99": "ema = 0.8",
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for place in range(20):
        bgr = cv2.cvtColor(data.coffee()[::2, ::2], cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"{place:02}.png"), bgr[5 * place : 5 * place + 96])
    return folder


def recipe_of(crops: int, file: Path) -> Path:
    text = (RECIPES / "liang2016.toml").read_text().replace("crops = 572_400", f"crops = {crops}")
    for full, small in SMALL.items():
        assert full in text
        text = text.replace(full, small)
    file.write_text(text)
    return file


def train_by_two(recipe: Path, photos: Path, out: Path) -> None:
    command = [sys.executable, "-m", "export.train", str(recipe), "--photos", str(photos), "--out", str(out)]
    together = ["--accelerator", "cpu", "--devices", "2", "--precision", "32-true"]
    subprocess.run([*command, *together], cwd=REPOSITORY, check=True, timeout=300)


def learned(out: Path) -> dict[str, Any]:
    """Weights, their moving average and the momentum of a run."""
    state = torch.load(out / LAST, weights_only=True)
    kept = {name: state[name] for name in ("global_step", "state_dict", "current_model_state")}
    return {**kept, "momentum": state["optimizer_states"][0]["state"]}


def test_two_processes_learn_what_one_learns_from_the_same_batches_and_go_on_so(photos: Path, tmp_path: Path) -> None:
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "small.toml"
    for crops in (24, 36):  # two epochs of three batches, and one more in a longer run
        recipe = recipe_of(crops, file)
        train(read_recipe(recipe), find_photos([photos]), one, dict(QUIET), loaders=0)
        train_by_two(recipe, photos, two)
        alone, together = learned(one), learned(two)
        assert together["global_step"] == crops / 4
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)
    assert [len(list((out / "logs").glob("events*"))) for out in (one, two)] == [2, 2]


def test_processes_share_every_batch_without_overlap_and_each_epoch_has_others() -> None:
    weights = [1.0, 2.0, 0.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    whole, parts = Draws(weights, batch=6, seed=1), [Draws(weights, 6, 1, rank, ranks=3) for rank in range(3)]
    epochs = []
    for epoch in range(2):
        for draws in (whole, *parts):
            draws.set_epoch(epoch)
        drawn, shares = list(whole), [list(part) for part in parts]
        assert len(drawn) == len(whole) == 12
        assert len(set(drawn)) == 12
        assert all(len(share) == len(part) == 4 for share, part in zip(shares, parts, strict=True))
        for batch in range(2):
            shared = [draw for share in shares for draw in share[2 * batch : 2 * batch + 2]]
            assert sorted(shared) == sorted(drawn[6 * batch : 6 * batch + 6])
        assert 2 not in {place for place, _ in drawn}
        epochs.append(drawn)
    assert not set(epochs[0]) & set(epochs[1])


def test_fewer_photographs_than_a_batch_still_make_one() -> None:
    assert len(list(Draws([1.0, 1.0], batch=8, seed=1))) == 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"devices": 3}, "3 processes cannot share this recipe's batch of 4 evenly: choose other --devices"),
        ({"devices": 2, "strategy": "luck"}, "cannot train with these options: .*luck"),
    ],
)
def test_processes_that_cannot_train_together_are_a_sentence(
    options: dict[str, Any], words: str, photos: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(recipe_of(8, tmp_path / "small.toml"))
    with pytest.raises(ColorizeError, match=words):
        train(recipe, find_photos([photos]), tmp_path / "out", {**QUIET, **options}, loaders=0)
    assert not (tmp_path / "out").exists()
