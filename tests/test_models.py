"""Every model that ships: intact, as the contract wants it, described, and able to colour a photograph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.models import CONTRACT, MANIFEST, Model, read_models
from colorize_neural.worker.photos import read_photograph
from colorize_neural.worker.sessions import Session

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "models"
SHIPPED = read_models(FOLDER)
ENTRIES = {entry["id"]: entry for entry in json.loads((FOLDER / MANIFEST).read_text(encoding="utf-8"))["models"]}
SAID_TWICE = ("id", "title", "description", "group", "licence", "trained_on")
MEGABYTE = 1_000_000

each_model = pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.id)


def test_all_files_together_stay_small_and_none_is_a_stranger() -> None:
    files = set(FOLDER.glob("*.onnx"))
    assert files == {model.file for model in SHIPPED}
    assert sum(file.stat().st_size for file in files) < 24 * MEGABYTE
    assert SHIPPED[0].group == "recommended"
    assert SHIPPED[0].file.stat().st_size < 16 * MEGABYTE


@each_model
def test_a_model_meets_the_contract_at_every_size_and_temperature(model: Model) -> None:
    session = Session(model, "cpu")
    for size in model.framing.trial_sizes():
        L = np.random.default_rng(0).uniform(0, 100, size).astype(np.float32)
        ab = session.run(L, [0.001, 0.5, 1.0])
        assert ab.dtype == np.float32
        assert ab.shape[0] == 3
        assert ab.shape[3] == 2
        assert np.isfinite(ab).all()
        assert np.abs(ab).max() <= 130


@each_model
def test_the_file_says_of_itself_what_the_manifest_says(model: Model) -> None:
    properties = onnx.load(model.file).metadata_props
    facts = {one.key: json.loads(one.value) for one in properties if one.key in ("contract", *SAID_TWICE)}
    assert facts == {"contract": CONTRACT, **{name: ENTRIES[model.id][name] for name in SAID_TWICE}}


@each_model
def test_the_file_tells_nothing_of_the_machine_it_was_made_on(model: Model) -> None:
    content = model.file.read_bytes()
    assert b"stack_trace" not in content
    assert b".py" not in content


@each_model
def test_a_model_has_a_card_with_its_measured_figures(model: Model) -> None:
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"`{model.id}`" in card
    results = ENTRIES[model.id]["results"]
    assert f"{results['ab_error_share']:.3f}" in card
    assert f"{results['colourfulness']:.3f}" in card


@each_model
@pytest.mark.parametrize("photo", sorted((REPOSITORY / "samples").glob("*-19*.jpg")), ids=lambda photo: photo.stem)
def test_a_model_colours_the_samples(model: Model, photo: Path) -> None:
    pixels = read_photograph(photo).pixels
    before = lab_from_rgb(pixels.astype(np.float32) / np.float32(255))
    Colorizer(FOLDER).colorize(pixels, Options(model=model.id), lambda _fraction, _text: None)
    after = lab_from_rgb(pixels.astype(np.float32) / np.float32(255))
    assert np.abs(after[..., 0] - before[..., 0]).mean() < 0.3
    assert 3 < np.linalg.norm(after[..., 1:], axis=2).mean() < 60


def test_the_default_model_gives_skin_the_colour_of_skin() -> None:
    pixels = read_photograph(REPOSITORY / "samples" / "migrant-mother-1936.jpg").pixels
    Colorizer(FOLDER).colorize(pixels, Options(), lambda _fraction, _text: None)
    face = lab_from_rgb(pixels[230:400, 330:450].astype(np.float32) / np.float32(255))
    a, b = face[..., 1].mean(), face[..., 2].mean()
    hue = np.degrees(np.arctan2(b, a))
    assert 20 < hue < 80  # skin of every colour lies between red and yellow
    assert np.hypot(a, b) > 8
