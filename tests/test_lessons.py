"""What a network learns from other models: lessons of real ones, mixed with the truth."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float, lab_from_rgb
from colorize_neural.worker.colorizer import Colorizer
from skimage import data

from export import lessons, train
from export.batches import Batches
from export.crops import Crops
from export.lessons import Lessons
from export.photos import find_photos
from export.recipe import Recipe, Taught, read_recipe

MODELS = Path(__file__).parents[1] / "models"
RECIPE = Path(__file__).parents[1] / "export" / "recipes" / "wang2018-transfer.toml"
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "precision": "32-true"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea"):
        rgb = getattr(data, name)()
        small = cv2.resize(rgb, (rgb.shape[1] // 3, rgb.shape[0] // 3), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def taught_by_two(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """Lessons of two of the papers' models."""
    file = tmp_path_factory.mktemp("lessons") / "two.npz"
    lessons.main(["aranburu2017", "palette", "--photos", str(photos), "--out", str(file)])
    return file


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """A small one that is taught."""
    whole = read_recipe(RECIPE)
    return dataclasses.replace(
        whole,
        data=dataclasses.replace(whole.data, crop=64, degraded=0.5, held_out=0.4),
        optimizer=dataclasses.replace(whole.optimizer, crops=8, batch=4),
        taught=Taught(share=0.5),
    )


def test_a_lesson_is_the_mean_of_what_models_say(taught_by_two: Path, photos: Path) -> None:
    photo = find_photos([photos])[0]
    colorizer = Colorizer(MODELS)
    one, other = (lessons.lesson(colorizer, [model], photo) for model in ("aranburu2017", "palette"))
    found = Lessons(taught_by_two, Taught(share=1.0)).of(photo)
    assert found.shape[2] == 2 and min(found.shape[:2]) == lessons.SHORT_SIDE
    assert np.abs(one - other).mean() > 2
    assert np.abs(found - (one + other) / 2).max() <= 0.51  # it is kept in whole units


def test_a_spread_sets_the_colours_of_a_lesson_apart(taught_by_two: Path, photos: Path) -> None:
    photo = find_photos([photos])[0]
    said, apart = (Lessons(taught_by_two, Taught(share=1.0, spread=spread)).of(photo) for spread in (1.0, 1.5))
    assert np.allclose(apart.mean(axis=(0, 1)), said.mean(axis=(0, 1)), atol=1e-3)
    assert np.allclose(apart.std(axis=(0, 1)), 1.5 * said.std(axis=(0, 1)), atol=1e-3)


def test_the_lesson_of_a_crop_lies_where_its_truth_lies(
    photos: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def truth(_colorizer: Colorizer, _models: Any, photo: Any) -> Float:
        ab = lab_from_rgb(photo.rgb().astype(np.float32) / 255)[..., 1:]
        return cv2.resize(ab, (ab.shape[1] // 2, ab.shape[0] // 2), interpolation=cv2.INTER_AREA)

    monkeypatch.setattr(lessons, "lesson", truth)  # a model that is always right
    found = find_photos([photos])
    lessons.write_lessons(Colorizer(MODELS), ["palette"], found, tmp_path / "right.npz")
    crops = Crops(found, recipe.data, Lessons(tmp_path / "right.npz", Taught(share=1.0)))
    for seed in range(12):  # mirrored, framed and of several sizes among them
        crop = crops[seed % 3, seed]
        assert crop["target"].shape == crop["ab"].shape
        assert (crop["target"] - crop["ab"]).abs().mean() < 0.2 * crop["ab"].abs().mean()


def test_the_share_says_how_much_of_a_lesson_is_learned(taught_by_two: Path, photos: Path, recipe: Recipe) -> None:
    found = find_photos([photos])
    none, half, whole = (
        Crops(found, recipe.data, Lessons(taught_by_two, Taught(share=share)))[0, 5] for share in (0.0, 0.5, 1.0)
    )
    assert torch.equal(none["target"], none["ab"])
    assert torch.allclose(half["target"], (none["target"] + whole["target"]) / 2, atol=1e-4)
    assert (whole["target"] - none["target"]).abs().mean() > 1


def test_a_network_is_taught_and_validated_by_the_truth(
    taught_by_two: Path, photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []
    loss = train.Training._loss

    def watched(self: train.Training, answer: torch.Tensor, batch: train.Batch, spacing: int = 1) -> torch.Tensor:
        seen.append(train._target(batch) - batch["ab"])
        return loss(self, answer, batch, spacing)

    monkeypatch.setattr(train.Training, "_loss", watched)
    out = tmp_path / "run"
    train.train(recipe, find_photos([photos]), out, dict(QUIET), loaders=0, lessons=taught_by_two)
    assert torch.load(out / train.LAST, weights_only=True)["global_step"] == recipe.steps
    assert any(difference.any() for difference in seen)
    batches = Batches(recipe, find_photos([photos]), None, Lessons(taught_by_two, Taught(1.0)), loaders=0, seed=1)
    assert "target" not in batches.kept[0]


def test_what_cannot_teach_is_a_sentence(taught_by_two: Path, photos: Path, recipe: Recipe, tmp_path: Path) -> None:
    def trained(recipe: Recipe, photos: Path, file: Path | None) -> None:
        train.train(recipe, find_photos([photos]), tmp_path / "run", dict(QUIET), loaders=0, lessons=file)

    broken, others = tmp_path / "broken.npz", tmp_path / "others"
    broken.write_bytes(taught_by_two.read_bytes()[:1000])
    shutil.copytree(photos, others)
    (others / "astronaut.png").rename(others / "an-astronaut.png")
    with pytest.raises(ColorizeError, match="is taught: name its --lessons"):
        trained(recipe, photos, None)
    with pytest.raises(ColorizeError, match="is not taught: leave out --lessons"):
        trained(dataclasses.replace(recipe, taught=None), photos, taught_by_two)
    with pytest.raises(ColorizeError, match=r"no lesson of an-astronaut\.png: run .* with the same --photos"):
        trained(recipe, others, taught_by_two)
    for file in (broken, tmp_path / "missing.npz"):
        with pytest.raises(ColorizeError, match="holds no lessons: make it"):
            trained(recipe, photos, file)
    with pytest.raises(ColorizeError, match="padding and grades are not made for"):
        dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, padding=100.0))
    with pytest.raises(ColorizeError, match="cannot be written"):
        lessons.write_lessons(Colorizer(MODELS), ["palette"], find_photos([photos]), tmp_path / "no" / "file.npz")
    assert not list(tmp_path.glob("run/*"))


def test_models_that_a_user_added_teach_too(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, out = tmp_path / "shipped", tmp_path / "lessons.npz"
    manifest = json.loads((MODELS / "manifest.json").read_text())
    manifest["models"] = [entry for entry in manifest["models"] if entry["id"] == "aranburu2017"]
    shipped.mkdir()
    (shipped / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(settings, "added_models_folder", lambda: MODELS)  # stands for the user's own
    lessons.main(["palette", "--folder", str(shipped), "--photos", str(photos), "--out", str(out)])
    photo = find_photos([photos])[0]
    assert np.ptp(Lessons(out, Taught(share=1.0)).of(photo)) > 10
    with pytest.raises(ColorizeError, match='There is no model "luck"'):
        lessons.main(["luck", "--folder", str(shipped), "--photos", str(photos), "--out", str(out)])
