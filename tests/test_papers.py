"""The papers' systems for real, but in seconds: the table of all, and Li and Wang's experiment."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.models import read_models
from skimage import data

from export import cifar, papers, speed
from export.networks import NETWORKS
from export.networks.wang2018 import Wang2018Transfer
from export.recipe import RECIPES, read_recipe

WANG = "wang2018-regression"
SECONDS = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many small pieces of two photographs, as CIFAR-10 has them: two classes, to train and to test."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("coffee", "chelsea"):
        bgr = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR)
        for half, shift in (("train", 0), ("test", 48)):
            (folder / half / name).mkdir(parents=True)
            for place in range(24):
                left, top = 40 * (place % 8), 96 * (place // 8) + shift
                cv2.imwrite(str(folder / half / name / f"{place:02}.png"), bgr[top : top + 32, left : left + 32])
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models folder of its own, with a page that has a place for the table."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "README.md").write_text(f"before\n{papers.BEGIN}\n{papers.END}\nafter\n")
    monkeypatch.setenv("COLORIZE_NEURAL_MODELS", str(folder))
    return folder


def test_a_systems_minutes_make_a_model_and_a_row_of_the_table(
    photos: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = ["--photos", str(photos / "train"), "--dev", str(photos / "test"), "--out", str(tmp_path / "runs")]
    papers.main([WANG, *places, "--minutes", str(SECONDS / 60)])
    (entry,) = json.loads((models / "manifest.json").read_text())["models"]
    assert entry["training"]["minutes"] == pytest.approx(SECONDS / 60, rel=0.5)
    assert 0 < entry["training"]["crops"] < entry["training"]["crops_wanted"]
    assert entry["temperature"] is None
    page = (models / "README.md").read_text()
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    rows = [line for line in page.splitlines() if line.startswith(f"| `{WANG}`")]
    assert len(rows) == 1
    assert "cut short of" in rows[0]
    assert "46 %" in rows[0]
    assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1
    assert (models / "papers.jpg").stat().st_size > 2000

    def never(*_: object) -> None:
        raise AssertionError("its minutes are spent")

    monkeypatch.setattr("export.train.Training.training_step", never)
    papers.main([WANG, *places, "--minutes", str(SECONDS / 60)])
    again = json.loads((models / "manifest.json").read_text())["models"]
    assert [one["training"] for one in again] == [entry["training"]]


def test_an_unknown_system_is_a_sentence_before_anything_is_trained(models: Path) -> None:
    with pytest.raises(ColorizeError, match=r"No recipe is called monet: choose of .*zhang2016"):
        papers.main(["monet", "--photos", "nowhere", "--dev", "nowhere"])


def test_a_page_without_a_place_for_the_table_is_left_alone(models: Path) -> None:
    (models / "README.md").write_text("no place")
    with pytest.raises(ColorizeError, match="no place for the table"):
        papers.tell(models, "| table |")
    assert (models / "README.md").read_text() == "no place"


@pytest.mark.parametrize("name", papers.paper_recipes(full=False))
def test_every_system_of_a_paper_answers_on_the_grid_that_its_recipe_trains_on(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    side = recipe.manifest.size["multiple"] * 4
    network = NETWORKS[recipe.network.name](**recipe.network.options).eval()
    with torch.no_grad():
        answer = network(torch.rand(1, 1, side, 2 * side) * 100)
    channels = {"classification": 313, "regression": 2}[recipe.kind]
    assert answer.shape == (1, channels, side // recipe.data.stride, 2 * side // recipe.data.stride)


def test_at_the_width_of_the_paper_zhangs_network_has_its_parameters() -> None:
    recipe = read_recipe(RECIPES / "zhang2016.toml", full=True)
    network = NETWORKS[recipe.network.name](**recipe.network.options)
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(32.2e6, rel=0.01)


def test_vgg16_takes_torchvisions_file_and_refuses_another(tmp_path: Path) -> None:
    source = Wang2018Transfer("classification", "vgg16", width=4)
    file, wrong = tmp_path / "vgg16-1.pth", tmp_path / "other.pth"
    torch.save({**source.encoder.state_dict(), "classifier.0.weight": torch.zeros(3)}, file)
    torch.save({"classifier.0.weight": torch.zeros(3)}, wrong)
    loaded = Wang2018Transfer("classification", "vgg16", width=4, weights=str(file))
    L = torch.rand(1, 1, 32, 48) * 100
    with torch.no_grad():
        assert torch.equal(source.encoder(L), loaded.encoder(L))
        assert loaded(L).shape == (1, 313, 16, 24)
    with pytest.raises(ColorizeError, match=r"name torchvision's vgg16"):
        Wang2018Transfer("classification", "vgg16", width=4, weights=str(wrong))


def test_operations_and_parameters_are_counted_as_they_are(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "weight")
    L, ab = (onnx.helper.make_tensor_value_info(name, 1, [1, None, None, None]) for name in ("L", "ab"))
    temperature = onnx.helper.make_tensor_value_info("temperature", 1, [None])
    node = onnx.helper.make_node("Conv", ["L", "weight"], ["ab"], pads=[1, 1, 1, 1])
    graph = onnx.helper.make_graph([node], "one", [L, temperature], [ab], [weight])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(tmp_path / "one.onnx"))
    cost = speed.measure_apart(tmp_path / "one.onnx", size=64, threads=1)
    assert cost.parameters == 18
    assert cost.gflops == pytest.approx(2 * 64 * 64 * 18 / 1e9)
    assert cost.milliseconds > 0


def test_li_and_wangs_experiment_prints_their_table_beside_ours(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--minutes", str(SECONDS / 60), "--judged", "24", "--tested", "12"]
    cifar.main(["--photos", str(photos), "--out", str(tmp_path), *few])
    rows = re.findall(r"^\| (\S.*?) \| (.*?) \| ([\d.]+)% \| ([\d.]+) \|$", capsys.readouterr().out, re.MULTILINE)
    assert [row[0] for row in rows] == [row.name for row in cifar.ROWS]
    assert rows[0][1] == "22 %"
    assert float(rows[-1][2]) > 90  # it learned these two classes, and sees them in their own colours
    assert float(rows[-1][3]) == 0
    assert {model.id for model in read_models(tmp_path / "models")} == {row.model for row in cifar.ROWS if row.model}


def test_photographs_without_the_two_halves_are_a_sentence(photos: Path) -> None:
    with pytest.raises(ColorizeError, match="name CIFAR-10's"):
        cifar.main(["--photos", str(photos / "train")])
