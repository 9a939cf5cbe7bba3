"""What an evaluation says of models whose colours are known: under old lightness, at other sizes, to the eye."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.colorizer import Colorizer, Options
from skimage import data

from export import evaluate, pages, robustness
from export.crops import split_photos
from export.degrade import FAULTS
from export.generalization import generalization, main
from export.metrics import Rgb, ab_error
from export.photos import find_photos
from export.robustness import Fault
from export.sheet import CELL, HEADER
from export.systems import MEAN_AB, System, baselines, grey, model_system
from tests.tiny_models import make_models

DEFAULT = Path(__file__).parents[1] / "export" / "recipes" / "autochrome.toml"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_models(tmp_path_factory.mktemp("models"), ["orange", "thermometer"])


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for source, name in (("utkface", "astronaut"), ("flickr8k", "chelsea"), ("houses", "coffee")):
        (folder / source).mkdir()
        small = cv2.resize(getattr(data, name)()[:300, :300], (120, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / source / f"{name}.png"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def truths(photos: Path) -> list[Rgb]:
    return [photo.rgb() for photo in find_photos([photos])]


def test_one_run_prints_every_table_and_records_what_the_card_needs(
    models: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(robustness, "SIZE_PHOTOS", 1)  # the largest size takes seconds
    old = str(photos / "utkface" / "astronaut.png")
    options = ["--temperatures", "0.1", "0.5", "--sheets", str(tmp_path), "--old", old, "--record"]
    evaluate.main(["thermometer", "--photos", str(photos), "--folder", str(models), *options])
    tables = capsys.readouterr().out
    for heading in ("degraded ratio", "4000 px", "thermometer 0.1", *(fault.__name__ for fault in FAULTS)):
        assert heading in tables
    results = json.loads((models / "manifest.json").read_text())["models"][1]["results"]
    assert results["degraded_ratio"] == pytest.approx(1, abs=0.1)
    assert results["size_difference"] < 1
    assert results["ab_error"] > 0
    assert {file.name for file in tmp_path.iterdir()} == {"faces.png", "worst.png", "old.png"}


def test_what_was_learned_by_heart_is_told_from_what_was_held_out(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for name in ("faces/1", "faces/2", "faces/3", "food/4", "food/5", "food/6", "food/7", "food/8", "houses/9"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"{name}.png"), random.integers(255, size=(8, 8, 3)))
    photos = find_photos([tmp_path])
    learned, held_out = split_photos(photos, 0.34)  # the second, the fifth, the eighth
    by_heart = {grey(photo.rgb()).tobytes(): photo.rgb() for photo in learned}
    rows = generalization(lambda rgb: by_heart.get(grey(rgb).tobytes(), grey(rgb)), photos, 0.34)
    assert list(rows) == ["food (2)", "faces (1)", "all (3)"]
    assert len(held_out) == 3
    assert all(row == {"held_out": 1, "learned": 0} for row in rows.values())
    with pytest.raises(ColorizeError, match="held out"):
        generalization(grey, photos[:3], 0.1)


def test_what_was_held_out_and_what_was_learned_are_of_one_mixture(tmp_path: Path) -> None:
    sources = {"faces/{:02}": (11, (90, 120, 160)), "food/{}": (4, (20, 180, 60)), "grey/{}": (3, (90, 90, 90))}
    for name, (count, bgr) in {**sources, "mine{}": (5, (90, 120, 160))}.items():
        for number in range(count):
            file = tmp_path / f"{name.format(number)}.png"
            file.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(file), np.full((8, 8, 3), bgr, np.uint8))
    (tmp_path / "faces/00.png").write_bytes(b"damaged")
    photos = find_photos([tmp_path])
    assert [photo.source for photo in split_photos(photos, 0.2)[1]] == ["faces", "faces", "food", "grey", ""]
    food = next(photo.rgb() for photo in photos if photo.source == "food")
    with pytest.warns(UserWarning, match=r"faces/00.png"):
        rows = generalization(lambda rgb: food if np.array_equal(grey(rgb), grey(food)) else grey(rgb), photos, 0.2)
    assert list(rows) == ["faces (2)", "food (1)", "photographs (1)", "all (4)"]
    assert 0.1 < rows["all (4)"]["held_out"] < 0.9
    assert rows["all (4)"]["learned"] == pytest.approx(rows["all (4)"]["held_out"])


def test_generalization_is_asked_of_the_model_that_a_recipe_made(
    models: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        shutil.copy(photos / "houses" / "coffee.png", tmp_path / f"{number}.png")
    recipe = tmp_path / "orange.toml"
    default = DEFAULT.read_text().replace('id = "autochrome"', 'id = "orange"')
    recipe.write_text(default.replace("held_out = 0.02", "held_out = 0.5"))
    main([str(recipe), "--photos", str(tmp_path), "--folder", str(models)])
    table = capsys.readouterr().out
    assert "The ab error of orange" in table
    assert "| photographs (2) |" in table


def test_colours_that_do_not_depend_on_the_lightness_lose_nothing_on_an_old_scan(
    models: Path, truths: list[Rgb]
) -> None:
    orange = {"orange": model_system(Colorizer(models), Options(model="orange"))}
    row = degraded(orange, truths)["orange"]
    assert all(0.98 < row[fault] < 1.02 for fault in ("degraded_ratio", *(fault.__name__ for fault in FAULTS)))


def test_colours_told_from_the_lightness_alone_suffer_by_fading_and_the_figure_is_the_same_each_time(
    truths: list[Rgb],
) -> None:
    table = {MEAN_AB: baselines(truths)[MEAN_AB]}
    row = degraded(table, truths)[MEAN_AB]
    assert row["fade"] > 1.03
    assert row["fade"] > row["jpeg"]
    assert degraded(table, truths)[MEAN_AB] == row


@pytest.mark.parametrize("fault", FAULTS)
def test_black_that_a_rounding_has_left_below_0_looks_old_too(fault: Fault) -> None:
    faulty = [fault(np.full((32, 32), -2e-6, np.float32), np.random.default_rng(seed)) for seed in range(8)]
    assert np.isfinite(faulty).all()


def test_the_same_photograph_has_the_same_colours_at_every_size_unless_the_model_depends_on_it(
    models: Path, truths: list[Rgb]
) -> None:
    orange = model_system(Colorizer(models), Options(model="orange"))

    def bluish_where_large(rgb: Rgb) -> Rgb:
        return orange(rgb) if min(rgb.shape[:2]) < 1000 else np.full_like(rgb, (90, 90, 160))

    rows = robustness.size_differences({"orange": orange, "bluish where large": bluish_where_large}, truths[1:2])
    assert list(rows["orange"]) == ["64_px", "256_px", "4000_px"]
    assert max(rows["orange"].values()) < 1
    assert rows["bluish where large"]["64_px"] == rows["orange"]["64_px"]
    assert rows["bluish where large"]["4000_px"] > 30


def test_a_model_that_warms_by_its_temperature_gives_more_colour_at_a_higher_one(
    models: Path, truths: list[Rgb]
) -> None:
    systems = evaluate.systems_at(Colorizer(models), ["thermometer"], [0.05, 0.3])
    rows = evaluate.temperature_rows(systems, truths)
    assert rows["thermometer 0.3"]["colourfulness"] > 2 * rows["thermometer 0.05"]["colourfulness"] > 0
    assert all(0 < row["ab_error_share"] < 1 for row in rows.values())


def test_a_temperature_out_of_range_is_a_sentence_before_anything_is_measured(models: Path) -> None:
    with pytest.raises(ColorizeError, match="The temperature is 7: choose"):
        evaluate.main(["orange", "--photos", "nowhere", "--folder", str(models), "--temperatures", "7"])


def test_the_worst_photograph_comes_first(photos: Path, tmp_path: Path) -> None:
    pages.write_pages(tmp_path, {"none": grey}, find_photos([photos]), {}, [])
    page = cv2.cvtColor(read(tmp_path / "worst.png"), cv2.COLOR_BGR2RGB)
    first = page[HEADER : HEADER + CELL, :CELL]
    rgbs = sorted((photo.rgb() for photo in find_photos([photos])), key=lambda rgb: ab_error(grey(rgb), rgb))
    differences = [np.abs(cv2.resize(rgb, (CELL, CELL)) - first.astype(float)).mean() for rgb in rgbs]
    assert differences[-1] < 5 < min(differences[:-1])


def test_one_photograph_is_too_few(photos: Path) -> None:
    with pytest.raises(ColorizeError, match="two or more"):
        evaluate.evaluate({}, find_photos([photos])[:1])


def test_many_faces_are_on_several_pages_and_what_is_none_is_on_no_page(photos: Path, tmp_path: Path) -> None:
    found = find_photos([photos])
    people = [photo for photo in found if photo.source in pages.FACES]
    houses = [photo for photo in found if photo.source == "houses"]
    pages.write_pages(tmp_path / "people", {"none": grey}, people * 20, {}, [])
    faces = sorted((tmp_path / "people").glob("faces*.png"))
    assert [file.name for file in faces] == ["faces-2.png", "faces.png"]
    assert all(max(read(file).shape) <= pages.HEIGHT for file in faces)
    pages.write_pages(tmp_path / "houses", {"none": grey}, houses, {}, [])
    assert [file.name for file in (tmp_path / "houses").iterdir()] == ["worst.png"]


def degraded(systems: dict[str, System], truths: list[Rgb]) -> dict[str, dict[str, float]]:
    """The rows, with the clean errors that an evaluation would hand over."""
    clean = {name: float(np.mean([ab_error(system(rgb), rgb) for rgb in truths])) for name, system in systems.items()}
    return robustness.degraded_rows(systems, truths, clean)


def read(file: Path) -> Rgb:
    return np.asarray(cv2.imread(str(file)))
