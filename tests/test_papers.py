"""The papers' systems for real, but in seconds: the table of all, and the experiment of each paper."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.models import read_models
from skimage import data

from export import aranburu, cifar, comparison, papers, paquette, speed
from export.networks import NETWORKS
from export.networks.wang2018 import Wang2018, Wang2018Transfer
from export.optimizers import OPTIMIZERS
from export.photos import find_photos
from export.recipe import RECIPES, Recipe, changed, dict_from_recipe, read_recipe
from export.to_onnx import entry_of, load_run, write_entry
from export.train import BEST, LAST, Training, train
from tests.tiny_models import make_models

WANG = "wang2018-regression"
QUICK = "aranburu2017"  # the steps of others take seconds where the machine is busy
PAQUETTES = [name for name in papers.paper_recipes(full=False) if name.startswith("paquette2022")]
SECONDS = 3
INSTANT = ["--minutes", "0.01", "--tested", "4"]
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


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
    assert SECONDS / 60 <= entry["training"]["minutes"] < 1  # a step that has begun is ended
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


def test_what_is_in_models_is_measured_again_without_photographs_to_train_on_or_the_runs(
    photos: Path, models: Path, tmp_path: Path
) -> None:
    make_models(models, ["orange"])
    write_entry(models, {**entry_of(models, "orange"), "results": {"ab_error": 99, "degraded_ratio": 1.02}})
    few = [str(photos / "test" / "chelsea" / f"{place:02}.png") for place in range(4)]
    papers.main(["--measure", "--dev", *few, "--out", str(tmp_path / "runs")])
    found = entry_of(models, "orange")["results"]
    assert 0 < found["ab_error"] < 99
    assert found["degraded_ratio"] == 1.02  # export.evaluate's, and not measured here
    (row,) = [line for line in (models / "README.md").read_text().splitlines() if line.startswith("| `orange`")]
    assert f"| {found['ab_error']:.2f} | {found['ab_error_share']:.3f} | {found['psnr_gained']:+.2f} |" in row
    assert (models / "papers.jpg").stat().st_size > 2000
    assert not (tmp_path / "runs").exists()


def test_training_without_photographs_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        papers.main([WANG, "--dev", "nowhere"])
    assert "training needs --photos" in capsys.readouterr().err


def spent(last: Path) -> tuple[int, float]:
    """The steps and seconds that a checkpoint has behind it; 0 where there is none."""
    if not last.exists():
        return 0, 0.0
    checkpoint = torch.load(last, weights_only=True)
    return checkpoint["global_step"], checkpoint["callbacks"]["Timer"]["time_elapsed"]["train"]


def killed(command: list[str], last: Path, due: Callable[[int, float], bool]) -> tuple[int, float]:
    """What a training has behind it that is killed as soon as its checkpoint is due."""
    with subprocess.Popen(command, cwd=Path(__file__).parents[1], start_new_session=True) as process:
        while not due(*spent(last)):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)  # its loaders too
    return spent(last)


def test_a_system_that_is_killed_in_its_training_goes_on_from_its_last_checkpoint(
    photos: Path, models: Path, tmp_path: Path
) -> None:
    places = ["--photos", str(photos / "train"), "--dev", str(photos / "test"), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "export.papers", QUICK, *places, "--minutes", "0.2"]
    last = tmp_path / QUICK / LAST
    steps, seconds = killed(command, last, lambda _, seconds: seconds > 4)  # a checkpoint comes every 1.2 seconds
    more_steps, more_seconds = killed(command, last, lambda now, _: now != steps)
    assert more_steps > steps
    assert more_seconds > seconds
    assert not list(models.glob("*.onnx"))


def test_an_unknown_system_is_a_sentence_before_anything_is_trained(models: Path) -> None:
    with pytest.raises(ColorizeError, match=r"No recipe is called monet: choose of .*zhang2016"):
        papers.main(["monet", "--photos", "nowhere", "--dev", "nowhere"])


def test_a_page_without_a_place_for_the_table_is_left_alone(models: Path) -> None:
    (models / "README.md").write_text("no place")
    with pytest.raises(ColorizeError, match="no place for the table"):
        papers.tell(models, "| table |")
    assert (models / "README.md").read_text() == "no place"


@pytest.mark.parametrize("full", [False, True], ids=["minutes", "full"])
@pytest.mark.parametrize("name", papers.paper_recipes(full=False))
def test_every_system_of_a_paper_answers_on_the_grid_that_its_recipe_trains_on(name: str, full: bool) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml", full)
    colorizer = Training(dict_from_recipe(recipe)).colorizer()
    for h, w in recipe.manifest.framing.trial_sizes():
        with torch.no_grad():
            ab = colorizer(torch.rand(1, 1, h, w) * 100, torch.tensor([0.3, 1.0]))
        assert ab.shape == (2, 2, h // recipe.data.stride, w // recipe.data.stride)


def test_at_the_width_of_the_paper_zhangs_network_has_its_parameters() -> None:
    recipe = read_recipe(RECIPES / "zhang2016.toml", full=True)
    network = NETWORKS[recipe.network.name](**recipe.network.options)
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(32.2e6, rel=0.01)


def test_at_the_scale_of_their_papers_zhangs_and_li_and_wangs_systems_have_their_numbers() -> None:
    recipes = papers.paper_recipes(full=True)
    zhang = recipes["zhang2016"].optimizer
    assert (zhang.batch, zhang.crops, zhang.rate) == (40, 40 * 450_000, 3e-5)
    wangs = [recipe for name, recipe in recipes.items() if name.startswith("wang2018")]
    assert [(one.optimizer.batch, one.optimizer.rate, one.loss.spacing) for one in wangs] == [(128, 1e-4, 1)] * 3
    learned = 16_400  # of our photographs, some are kept for validation
    assert [one.optimizer.crops // learned for one in wangs] == [100, 100, 50]  # epochs
    assert recipes["zhang2016"].loss.options == {"uniform_share": 0.5}  # lambda
    temperatures = {one.manifest.temperature for one in wangs}
    assert (recipes["zhang2016"].manifest.temperature, temperatures) == (0.38, {None, 0.89})


def test_li_and_wangs_networks_see_a_hundredth_of_the_lightness_and_regress_within_a_sigmoids_range() -> None:
    network = Wang2018("regression", width=2).eval()
    seen: list[torch.Tensor] = []
    first = next(part for part in network.modules() if isinstance(part, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _part, inputs: seen.append(inputs[0]))
    L = torch.rand(1, 1, 16, 16) * 100
    with torch.no_grad():
        network(L)
        torch.testing.assert_close(seen[0], L / 100)
        for answer in network.head.answer.parameters():
            answer.fill_(1e3)
        torch.testing.assert_close(network(L), torch.full((1, 2, 16, 16), 127.5))


@pytest.mark.parametrize("name", ["wang2018-regression", "wang2018-classification", "wang2018-transfer"])
def test_li_and_wangs_decay_is_the_gradient_of_lambda_times_the_squared_weights(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml", full=True)
    pixels = (recipe.data.crop // recipe.data.stride) ** 2  # they sum the error over them
    wanted = recipe.optimizer
    decayed, penalised = (torch.nn.Parameter(torch.linspace(-1, 1, 8)) for _ in range(2))
    one = OPTIMIZERS[wanted.name]([decayed], lr=0.1, weight_decay=wanted.weight_decay * pixels)
    other = OPTIMIZERS[wanted.name]([penalised], lr=0.1, weight_decay=0)
    for step in range(9):
        for weights, penalty, optimizer in ((decayed, 0.0, one), (penalised, 0.01, other)):
            optimizer.zero_grad()
            loss = 0.01 * (weights - step).square().sum() + penalty * weights.square().sum()
            torch.autograd.backward(loss)
            optimizer.step()
    torch.testing.assert_close(decayed, penalised, rtol=1e-3, atol=1e-4)


def vgg16_weights() -> dict[str, torch.Tensor]:
    """Weights of chance under the names and in the shapes of torchvision's VGG16, layer after layer."""
    places = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    widths = (3, 64, 64, 128, 128, *[256] * 3, *[512] * 6)
    state = {"classifier.0.weight": torch.zeros(3)}
    for place, before, width in zip(places, widths, widths[1:], strict=False):
        state[f"features.{place}.weight"] = torch.randn(width, before, 3, 3) / (3 * before**0.5)
        state[f"features.{place}.bias"] = torch.zeros(width)
    return state


def test_vgg16_takes_torchvisions_file_and_refuses_another(tmp_path: Path) -> None:
    weights = vgg16_weights()
    file, wrong = tmp_path / "vgg16-1.pth", tmp_path / "other.pth"
    torch.save(weights, file)
    torch.save({"classifier.0.weight": torch.zeros(3)}, wrong)
    loaded = Wang2018Transfer("classification", "vgg16", width=4, weights=str(file))
    found = {name: value for name, value in loaded.encoder.state_dict().items() if name.startswith("features.")}
    assert all(torch.equal(value, weights[name]) for name, value in found.items())
    assert len(found) == len(weights) - 1
    with torch.no_grad():
        assert loaded(torch.rand(1, 1, 32, 48) * 100).shape == (1, 313, 16, 24)
    with pytest.raises(ColorizeError, match=r"holds no VGG16 weights: name torchvision's vgg16"):
        Wang2018Transfer("classification", "vgg16", width=4, weights=str(wrong))


def test_vgg16_without_a_file_is_a_sentence() -> None:
    with pytest.raises(ColorizeError, match=r"brings no weights of its own: name torchvision's vgg16-\*\.pth"):
        Wang2018Transfer("classification", "vgg16")


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
    few = ["--epochs", "2", "--judged", "48", "--tested", "12"]
    cifar.main(["--photos", str(photos), "--out", str(tmp_path), *few])
    rows = re.findall(r"^\| (\S.*?) \| (.*?) \| ([\d.]+)% \| .* \| ([\d.]+) \|$", capsys.readouterr().out, re.MULTILINE)
    assert [row[0] for row in rows] == [row.name for row in cifar.ROWS]
    assert rows[0][1] == "22 %"
    assert float(rows[-1][2]) > 90  # it learned these two classes, and sees them in their own colours
    assert float(rows[-1][3]) == 0
    assert {model.id for model in read_models(tmp_path / "models")} == {row.model for row in cifar.ROWS if row.model}


def test_photographs_without_the_two_halves_are_a_sentence(photos: Path) -> None:
    with pytest.raises(ColorizeError, match="name CIFAR-10's"):
        cifar.main(["--photos", str(photos / "train")])


def test_cifar_10_packed_in_one_file_becomes_photographs_by_class_and_half(tmp_path: Path) -> None:
    labels, training = [1, 0, 1, 1], 3
    pictures = [np.full((32, 32, 3), 60 * place, np.uint8) for place in range(len(labels))]
    files = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    np.savez(
        tmp_path / "cifar.npz",
        jpeg=np.frombuffer(b"".join(files), np.uint8),
        offset=np.cumsum([0, *map(len, files)]),
        label=np.array(labels, np.uint8),
        classes=np.array(["cat", "ship"]),
        n_train=training,
    )
    photos = find_photos([cifar.unpacked(tmp_path, tmp_path / "out")])
    assert [photo.name for photo in photos] == [
        *("test/ship/00003.jpg", "train/cat/00001.jpg", "train/ship/00000.jpg", "train/ship/00002.jpg")
    ]
    assert [round(float(photo.rgb().mean())) for photo in photos] == [180, 60, 0, 120]
    assert [cifar.class_of(photo) for photo in photos] == ["ship", "cat", "ship", "ship"]


def test_a_difference_is_told_with_what_chance_may_have_done() -> None:
    right = np.arange(100) < 60
    assert cifar.difference(right, right) == "+0.0 ± 0.0"
    assert cifar.difference(right, np.arange(100) < 50) == "+10.0 ± 5.9"


def printed_rows(out: str) -> list[list[str]]:
    """The cells of a Markdown table, its head left out."""
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines[1:]]


def test_aranburus_tuning_table_is_printed_beside_ours_and_goes_on_where_it_stopped(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--photos", str(photos), "--out", str(tmp_path), *INSTANT]
    aranburu.main(command)
    out = capsys.readouterr().out
    rows = printed_rows(out)
    assert [(row[0], row[1], row[2]) for row in rows[:3]] == [
        ("batch", "10", "195.55"),
        ("batch", "20", "217.08"),
        ("dropout", "0.4", "215.69"),
    ]
    assert len(rows) == len(aranburu.ROWS) == 9
    assert all(0 < float(row[3]) < 1e4 and int(row[5]) > 0 for row in rows)
    assert "lie 20.14 apart in their table" in out
    assert re.search(r"photographs of 64 pixels grey gets [\d.]+, one tint [\d.]+", out)

    def never(*_: object) -> None:
        raise AssertionError("its minutes are spent")

    monkeypatch.setattr("export.train.Training.training_step", never)
    aranburu.main(command)
    assert printed_rows(capsys.readouterr().out) == rows


def test_paquettes_table_is_printed_beside_ours_with_a_sheet(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for part, half in (("train", "train"), ("val", "test"), ("test", "test")):
        shutil.copytree(photos / half / "chelsea", tmp_path / "landscape" / part)
    needed = {*paquette.SHEET, "classic-adam-mse", "classic-adam-mse-varied"}
    monkeypatch.setattr(paquette, "ROWS", [row for row in paquette.ROWS if row.name in needed])
    monkeypatch.setattr(paquette, "SIDE", 32)
    places = ["--landscape", str(tmp_path / "landscape"), "--varied", str(photos), "--out", str(tmp_path / "runs")]
    paquette.main([*places, "--sheet", str(tmp_path / "sheet.png"), *INSTANT])
    out = capsys.readouterr().out
    rows = printed_rows(out)
    assert [row[:3] for row in rows[:2]] == [
        ["classic", "adam, mse", "21 / 20 / 19"],
        ["classic", "adam, mae", "301 / 290 / 287"],
    ]
    assert rows[-1][1] == "adam, mse, varied"
    assert all(float(figure) > 0 for row in rows for figure in row[3].split(" / "))
    assert {len(row) for row in rows} == {11}
    assert "Colourfulness after landscapes" in out
    assert len(re.findall(r"test photographs grey gets [\d.]+ by m[sa]e, one tint [\d.]+", out)) == 2
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] == (len(paquette.SHEET) + 2) * 164  # grey and the truth beside the six


def test_paquettes_rows_are_his_twelve_runs_three_single_ones_and_two_on_varied_photographs() -> None:
    names = [row.name for row in paquette.ROWS]
    assert len(set(names)) == len(names) == 12 + 3 + 2
    assert set(paquette.SHEET) <= set(names)
    for row in paquette.ROWS:
        recipe = paquette.row_recipe(row, photos=4990, full=True)
        assert (recipe.data.crop, recipe.optimizer.batch, recipe.optimizer.patience) == (128, 8, 5)
        assert (recipe.optimizer.crops, recipe.optimizer.rate) == (25 * 4990, 0.01)


def test_photographs_without_the_three_parts_are_a_sentence(photos: Path) -> None:
    with pytest.raises(ColorizeError, match="name the tar of landscapes"):
        paquette.main(["--landscape", str(photos), "--varied", str(photos)])


@pytest.mark.parametrize("name", PAQUETTES)
def test_paquettes_networks_start_near_grey_and_never_leave_what_8_bits_hold(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    network = NETWORKS[recipe.network.name](**recipe.network.options).eval()
    with torch.no_grad():
        start = network(torch.rand(1, 1, 48, 64) * 100)
        wild = network(torch.rand(1, 1, 48, 64) * 10000)
    assert start.abs().mean() < 40
    assert -128 <= float(wild.min()) <= float(wild.max()) <= 127


def test_the_primaries_are_of_their_own_colours_and_grey_of_none() -> None:
    primaries = {"red": (1, 0, 0), "yellow": (1, 1, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
    for name, rgb in primaries.items():
        ab = lab_from_rgb(np.full((1, 1, 3), rgb, np.float32))[..., 1:].transpose(2, 0, 1)
        assert [other for other, kind in paquette.COLOURS.items() if kind.among(ab).all()] == [name]
        assert not any(kind.among(0 * ab).any() for kind in paquette.COLOURS.values())


class Half(torch.nn.Module):
    """Answers half of one colour everywhere."""

    def __init__(self, ab: tuple[float, float]) -> None:
        super().__init__()
        self.ab = torch.tensor(ab)[:, None, None] / 2

    def forward(self, L: torch.Tensor) -> torch.Tensor:
        return self.ab.expand(len(L), -1, *L.shape[2:])


def test_half_of_a_colour_is_measured_as_half(tmp_path: Path) -> None:
    rgb = (200, 80, 60)
    cv2.imwrite(str(tmp_path / "red.png"), np.full((40, 40, 3), rgb[::-1], np.uint8))
    a, b = lab_from_rgb(np.array(rgb, np.float32) / 255)[1:].tolist()
    training = Training(dict_from_recipe(short("paquette2022-basic"))).eval()
    training.network = Half((a, b))
    found = comparison.measure(training, find_photos([tmp_path]), paquette.COLOURS)
    assert found.kept == pytest.approx({"red": 0.5, "yellow": 0, "green": 0, "blue": 0})
    assert found.loss == pytest.approx(found.loss_of_grey / 4)
    assert 0.3 < found.colourfulness < 0.7


def short(name: str, **changes: object) -> Recipe:
    """A paper's recipe at the scale of seconds, but with the optimiser and schedule of the full one."""
    small = {"network": {"options": {"width": 2}}, "data": {"crop": 32}, "optimizer": {"crops": 800}}
    return changed(changed(read_recipe(RECIPES / f"{name}.toml", full=True), small), dict(changes))


def instant(name: str) -> Recipe:
    """A paper's recipe of a single step."""
    return short(name, optimizer={"crops": 8, "schedule": "cosine", "patience": 0})


def test_where_the_loss_stays_the_rate_falls_and_the_training_stops(photos: Path, tmp_path: Path) -> None:
    still = {"rate": 1e-12, "encoder_rate": 1e-12, "lowest_rate": 0.0, "name": "rmsprop"}
    recipe = short("paquette2022-basic", optimizer=still)
    learned, kept = find_photos([photos / "train"]), find_photos([photos / "test"])[:4]
    for _ in range(2):  # the second time there is nothing left to do
        train(recipe, learned, tmp_path, dict(QUIET), loaders=0, validation=kept)
    state = torch.load(tmp_path / LAST, weights_only=True)
    assert state["global_step"] == 6 * (len(learned) // 8)  # the first epoch is the best one, then five without it
    assert state["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(1e-14)  # his 2 epochs, twice
    assert load_run(tmp_path).recipe == recipe


def test_a_training_that_gets_worse_ends_with_the_weights_that_were_best(tmp_path: Path) -> None:
    for folder, bgr in (("learned", (20, 90, 220)), ("kept", (220, 90, 20))):  # orange, and blue to be judged on
        (tmp_path / folder).mkdir()
        for place in range(16):
            cv2.imwrite(str(tmp_path / folder / f"{place}.png"), np.full((32, 32, 3), bgr, np.uint8))
    learned, kept = (find_photos([tmp_path / folder]) for folder in ("learned", "kept"))
    recipe = short("paquette2022-basic", optimizer={"rate": 1e-3, "encoder_rate": 1e-3})
    train(recipe, learned, tmp_path, dict(QUIET), loaders=0, validation=kept)
    best, last = (torch.load(tmp_path / name, weights_only=True)["state_dict"] for name in (BEST, LAST))
    loaded = load_run(tmp_path).state_dict()
    assert all(torch.equal(value, best[name]) for name, value in loaded.items())
    assert not all(torch.equal(value, last[name]) for name, value in loaded.items())


@pytest.mark.parametrize(
    "changes", [{"loss": {"name": "absolute-error"}}, {"data": {"crop": 40}}, {"optimizer": {"rate": 0.1}}]
)
def test_a_run_does_not_go_on_by_another_recipe(changes: dict[str, object], photos: Path, tmp_path: Path) -> None:
    recipe, learned = instant("paquette2022-basic"), find_photos([photos / "train"])
    train(recipe, learned, tmp_path, dict(QUIET), loaders=0)
    before = (tmp_path / LAST).read_bytes()
    with pytest.raises(ColorizeError, match="begun with another recipe: name another folder"):
        train(changed(recipe, changes), learned, tmp_path, dict(QUIET), loaders=0)
    assert (tmp_path / LAST).read_bytes() == before
    told = changed(recipe, {"manifest": {"title": "Another"}, "paper": {"figures": "none"}})
    train(told, learned, tmp_path, dict(QUIET), loaders=0)
    assert load_run(tmp_path).recipe == told


def test_a_run_of_a_recipe_that_lacks_what_recipes_have_today_goes_on(photos: Path, tmp_path: Path) -> None:
    recipe, learned = instant("paquette2022-basic"), find_photos([photos / "train"])
    train(recipe, learned, tmp_path, dict(QUIET), loaders=0)
    old = torch.load(tmp_path / LAST, weights_only=True)
    for newer in ("largest", "sources", "padding", "grade"):
        del old["hyper_parameters"]["recipe"]["data"][newer]
    torch.save(old, tmp_path / LAST)
    train(recipe, learned, tmp_path, dict(QUIET), loaders=0)
    assert load_run(tmp_path).recipe == recipe


def test_grey_and_the_best_tint_have_the_losses_that_follow_from_the_colours(tmp_path: Path) -> None:
    reds = (200, 200, 160)
    for place, red in enumerate(reds):
        cv2.imwrite(str(tmp_path / f"{place}.png"), np.full((32, 32, 3), (100, 100, red), np.uint8))
    true = [lab_from_rgb(np.array((red, 100, 100), np.float32) / 255)[1:] / 255 for red in reds]
    for name, power, tint in (("squared", 2, np.mean(true, axis=0)), ("absolute", 1, true[0])):
        recipe = short("paquette2022-basic", loss={"name": f"{name}-error"})
        found = comparison.losses_of_grey_and_tint(recipe, find_photos([tmp_path]))
        wanted = [np.mean(np.abs(true - other) ** power) for other in (np.zeros(2), tint)]
        assert found == pytest.approx(wanted, rel=1e-3)


def test_a_lasso_draws_the_weights_of_its_layers_to_0_and_no_others(photos: Path, tmp_path: Path) -> None:
    recipe = short("paquette2022-large-kernel", lasso={"weight": 1.0}, optimizer={"crops": 320, "rate": 1e-3})
    at_first = Training(dict_from_recipe(recipe)).network.state_dict()
    train(recipe, find_photos([photos / "train"]), tmp_path, dict(QUIET), loaders=0)
    drawn = load_run(tmp_path).network.state_dict()
    sizes = {
        name: float(drawn[name].abs().mean() / at_first[name].abs().mean()) for name in drawn if drawn[name].ndim == 4
    }
    assert all((size < 0.8) == name.startswith("layers.encoder") for name, size in sizes.items())


def test_a_lasso_of_nothing_is_a_sentence() -> None:
    with pytest.raises(ColorizeError, match="names no part of the network"):
        Training(dict_from_recipe(short("paquette2022-large-kernel", lasso={"part": "encoder"})))
