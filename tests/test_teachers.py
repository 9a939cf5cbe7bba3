"""What a network learns from other models: colours that real ones gave, beside the truth."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.colorizer import Colorizer, Options
from numpy.typing import NDArray
from skimage import data

from export import teachers, train
from export.batches import Batches
from export.crops import Crops
from export.metrics import ab_of
from export.photos import Photo, find_photos
from export.recipe import Distillation, Recipe, dict_from_recipe, read_recipe, recipe_from_dict
from export.systems import model_system
from export.teachers import Teachers

MODELS = Path(__file__).parents[1] / "models"
RECIPE = Path(__file__).parents[1] / "export" / "recipes" / "autochrome.toml"
PAIR = ["aranburu2017", "palette"]  # one takes any size, the other is shown padded squares
ALL_OF_IT = Distillation(PAIR, share=1.0)
MEASURES = ["distance", "chroma", "perceptual", "recognition"]
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
def file(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """The colours of two of the papers' models."""
    file = tmp_path_factory.mktemp("teachers") / "two.npz"
    teachers.main([*PAIR, "--photos", str(photos), "--out", str(file)])
    return file


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """The default model's, cut down to two steps, with teachers."""
    whole = read_recipe(RECIPE)
    assert whole.decoded is not None
    return dataclasses.replace(
        whole,
        data=dataclasses.replace(whole.data, crop=64, degraded=0.5, held_out=0.4),
        optimizer=dataclasses.replace(whole.optimizer, crops=8, batch=4),
        decoded=dataclasses.replace(whole.decoded, perceptual=0.0, recognition=0.0),
        distillation=Distillation(PAIR, share=0.25),
        start=None,
    )


def test_the_teachers_colours_are_the_mean_of_their_answers(file: Path, photos: Path) -> None:
    photo = find_photos([photos])[1]  # wider than high
    found = Teachers(file, ALL_OF_IT).colours(photo)
    plain = Options(edge_guidance=False)
    answers = [
        cv2.resize(
            ab_of(model_system(Colorizer(MODELS), dataclasses.replace(plain, model=model))(photo.rgb())),
            found.shape[1::-1],
            interpolation=cv2.INTER_AREA,
        )
        for model in PAIR
    ]
    assert found.shape[0] == teachers.SHORT_SIDE < found.shape[1]
    assert np.abs(found - np.mean(answers, axis=0)).mean() < 1
    assert np.abs(answers[0] - answers[1]).mean() > 2


def test_a_contrast_sets_the_teachers_colours_apart(file: Path, photos: Path) -> None:
    photo = find_photos([photos])[0]
    said, apart = (Teachers(file, Distillation(PAIR, 1.0, contrast)).colours(photo) for contrast in (1.0, 1.5))
    assert np.allclose(apart.mean(axis=(0, 1)), said.mean(axis=(0, 1)), atol=1e-3)
    assert np.allclose(apart.std(axis=(0, 1)), 1.5 * said.std(axis=(0, 1)), atol=1e-3)


def test_the_teachers_colours_of_a_crop_lie_where_its_truth_lies(
    photos: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def truth(_colorizer: Colorizer, _models: Any, photo: Photo) -> NDArray[np.int8]:
        ab = lab_from_rgb(photo.rgb().astype(np.float32) / 255)[..., 1:]
        small = cv2.resize(ab, (ab.shape[1] // 2, ab.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return np.rint(small).astype(np.int8)

    monkeypatch.setattr(teachers, "mean_colours", truth)  # a teacher that is always right
    found = find_photos([photos])
    teachers.write_colours(Colorizer(MODELS), PAIR, found, tmp_path / "right.npz")
    turned = dataclasses.replace(recipe.data, rotation=12.0, stretch=1.25)
    crops = Crops(found, turned, Teachers(tmp_path / "right.npz", ALL_OF_IT))
    for seed in range(12):  # mirrored, turned, framed and of several sizes among them
        crop = crops[seed % 3, seed]
        assert crop["teachers"].shape == crop["ab"].shape
        assert (crop["teachers"] - crop["ab"]).abs().mean() < 0.05 * crop["ab"].abs().mean()


def test_a_student_learns_the_teachers_share_and_is_validated_by_the_truth(
    file: Path, photos: Path, recipe: Recipe, tmp_path: Path
) -> None:
    found, out = find_photos([photos]), tmp_path / "run"
    train.train(recipe, found, out, dict(QUIET), loaders=1, teachers_file=file)
    assert torch.load(out / train.LAST, weights_only=True)["global_step"] == recipe.steps
    learned = Batches(recipe, found, None, Teachers(file, ALL_OF_IT), loaders=0, seed=1)
    assert "teachers" not in learned.kept[0]
    crop = {name: values[None] for name, values in learned.learned[0, 5].items()}
    training = train.Training.load_from_checkpoint(out / train.LAST, map_location="cpu").eval()
    with torch.no_grad():
        answer = training.network(crop["L"])
        truth, theirs = (training._loss(answer, {"L": crop["L"], "ab": crop[name]}) for name in ("ab", "teachers"))
        assert abs(truth - theirs) > 0.05
        assert torch.allclose(training._loss(answer, crop), 0.75 * truth + 0.25 * theirs)


@pytest.mark.parametrize("measure", MEASURES)
def test_of_decoded_colours_only_the_distance_asks_the_teachers(
    file: Path, photos: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch, measure: str
) -> None:
    assert recipe.decoded is not None
    share = 0.25 if measure == "distance" else 0.0
    weights: Any = {name: float(name == measure) for name in MEASURES}
    alone = dataclasses.replace(recipe, decoded=dataclasses.replace(recipe.decoded, **weights))
    training = train.Training(dict_from_recipe(alone)).eval()
    monkeypatch.setattr(training, "log_dict", lambda *_args, **_options: None)  # it is in no trainer
    monkeypatch.setattr(train.Training, "trainer", SimpleNamespace(strategy=SimpleNamespace(reduce=lambda one: one)))
    training.on_fit_start()
    crops = Crops(find_photos([photos]), recipe.data, Teachers(file, ALL_OF_IT))
    crop = {name: values[None] for name, values in crops[0, 5].items()}
    with torch.no_grad():
        answer = training.network(crop["L"])
        truth, theirs, both = (
            training._decoded_loss(answer, batch)
            for batch in (
                {"L": crop["L"], "ab": crop["ab"]},
                {"L": crop["L"], "ab": crop["teachers"]},
                crop,
            )
        )
    assert abs(float(truth) - float(theirs)) > 0.01
    assert both == pytest.approx(float(truth + share * (theirs - truth)), rel=1e-4)


def test_a_run_does_not_go_on_with_another_distillation(
    file: Path, photos: Path, recipe: Recipe, tmp_path: Path
) -> None:
    short = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, crops=4), decoded=None)
    train.train(short, find_photos([photos]), tmp_path, dict(QUIET), loaders=0, teachers_file=file)
    other = dataclasses.replace(short, distillation=Distillation(PAIR, share=0.9))
    with pytest.raises(ColorizeError, match="begun with another recipe"):
        train.train(other, find_photos([photos]), tmp_path, dict(QUIET), loaders=0, teachers_file=file)


def test_what_cannot_teach_is_a_sentence(file: Path, photos: Path, recipe: Recipe, tmp_path: Path) -> None:
    def trained(recipe: Recipe, photos: Path, file: Path | None) -> None:
        train.train(recipe, find_photos([photos]), tmp_path / "run", dict(QUIET), loaders=0, teachers_file=file)

    alone = dataclasses.replace(recipe, distillation=None)
    others = dataclasses.replace(recipe, distillation=Distillation(["autochrome"], 0.5))
    broken, strangers = tmp_path / "broken.npz", tmp_path / "strangers"
    broken.write_bytes(file.read_bytes()[:1000])
    strangers.mkdir()
    cv2.imwrite(str(strangers / "astronaut.png"), np.zeros((60, 90, 3), np.uint8))
    for wrong, place, given, words in (
        (recipe, photos, None, "This recipe has teachers: give the file"),
        (alone, photos, file, "This recipe has no teachers: add"),
        (others, photos, file, r"of other teachers, aranburu2017 palette: make it by .* autochrome\."),
        (recipe, strangers, file, r"have not seen astronaut\.png: run .* with the same --photos"),
        (recipe, photos, broken, r"cannot be read as the colours of teachers \(.*make it by"),
        (recipe, photos, tmp_path / "missing.npz", r"cannot be read as .* No such file or directory.*make it by"),
    ):
        with pytest.raises(ColorizeError, match=words):
            trained(wrong, place, given)
    assert not list(tmp_path.glob("run/*"))
    with pytest.raises(ColorizeError, match="neither padding nor grades"):
        dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, padding=100.0))
    with pytest.raises(ColorizeError, match="a number from 0 to 1"):
        dataclasses.replace(recipe, distillation=Distillation(PAIR, share=50))
    with pytest.raises(ColorizeError, match="teachers are a list of ids"):
        dataclasses.replace(recipe, distillation=Distillation([], share=0.5))


def test_that_the_file_cannot_be_written_is_told_before_hours_of_work(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teachers, "mean_colours", lambda *_: pytest.fail("it began to work"))
    for place, words in ((tmp_path / "no" / "file.npz", "cannot be written"), (tmp_path, "is a folder")):
        with pytest.raises(ColorizeError, match=words):
            teachers.main([*PAIR, "--photos", str(photos), "--out", str(place)])
    assert not list(tmp_path.iterdir())


def test_a_recipe_with_teachers_survives_the_way_into_a_checkpoint_and_back(recipe: Recipe) -> None:
    assert recipe_from_dict(json.loads(json.dumps(dict_from_recipe(recipe)))) == recipe


def test_a_damaged_photograph_does_not_end_the_teaching(photos: Path, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no photograph")
    (tmp_path / "b.png").touch()
    found = [*find_photos([tmp_path]), *find_photos([photos])]
    with pytest.warns(UserWarning, match=r"[ab]\.png .* is left out"):
        teachers.write_colours(Colorizer(MODELS), PAIR, found, tmp_path / "out.npz")
    crops = Crops(found, recipe.data, Teachers(tmp_path / "out.npz", ALL_OF_IT))
    with pytest.warns(UserWarning, match="next one"):
        assert crops[0, 0]["teachers"].shape == crops[0, 0]["ab"].shape


def test_models_that_a_user_added_teach_too(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped, out = tmp_path / "shipped", tmp_path / "teachers.npz"
    manifest = json.loads((MODELS / "manifest.json").read_text())
    manifest["models"] = [entry for entry in manifest["models"] if entry["id"] == "aranburu2017"]
    shipped.mkdir()
    (shipped / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(settings, "added_models_folder", lambda: MODELS)  # stands for the user's own
    teachers.main(["palette", "--folder", str(shipped), "--photos", str(photos), "--out", str(out)])
    assert np.ptp(Teachers(out, Distillation(["palette"], 1.0)).colours(find_photos([photos])[0])) > 10
    with pytest.raises(ColorizeError, match='There is no model "luck"'):
        teachers.main(["luck", "--folder", str(shipped), "--photos", str(photos), "--out", str(out)])
