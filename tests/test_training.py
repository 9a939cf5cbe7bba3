"""The training side for real, but small: photographs -> training -> ONNX -> the users' own runtime -> figures."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.models import read_models
from colorize_neural.worker.sessions import Session
from onnx.numpy_helper import from_array, to_array
from skimage import data

from export import average, bins, decoded, evaluate, metrics, robustness, to_onnx, train
from export.augment import Turn, cut_mixed
from export.batches import Batches
from export.crops import Crops, colours_of, split_photos
from export.decode import AnnealedMean, Spread
from export.degrade import degrade, frame
from export.lab import rgb_from_lab
from export.losses import SoftCrossEntropy, SquaredError
from export.networks import NETWORKS
from export.networks.attention import Attention
from export.networks.depthwise import Depthwise
from export.networks.efficientnet_unet import Encoder, pretrained
from export.perceptual import Perceptual
from export.photos import find_photos
from export.recipe import Network, Recipe, Start, dict_from_recipe, read_recipe, recipe_from_dict
from export.sheet import Sheet
from export.small_weights import pack, unpack, unpacked
from export.warm_start import average_with, start_from
from tests.bench.processes import output

MODELS = Path(__file__).parents[1] / "models"
RECIPES = sorted((Path(__file__).parents[1] / "export" / "recipes").glob("*.toml"))
DEFAULT, FINE_TUNE = (next(file for file in RECIPES if file.stem == name) for name in ("autochrome", "fine-tune"))
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "precision": "32-true"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-image's own colour photographs: one in a folder, the others in a tar, and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea"):
        cv2.imwrite(str(folder / f"{name}.jpg"), cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR))
    (folder / "notes.txt").write_text("no photograph")
    with tarfile.open(folder / "more.tar", "w") as tar:
        for name in ("coffee", "chelsea"):
            tar.add(folder / f"{name}.jpg", f"{name}s/{name}.jpg")
            (folder / f"{name}.jpg").unlink()
    return folder


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """The default model's recipe, cut down to seconds, from the start."""
    whole = dataclasses.replace(read_recipe(DEFAULT), start=None, distillation=None)
    small: dict[str, Any] = {
        "crop": 64,
        "smallest": 0.9,
        "degraded": 0.2,
        "held_out": 0.4,
        "sampling": {"coffees": 2.0},
        "rotation": 5.0,
        "stretch": 1.1,
        "cutmix": 0.5,
    }
    short: dict[str, Any] = {"crops": 96, "batch": 4, "ema": 0.8}
    assert whole.decoded is not None
    return dataclasses.replace(
        whole,
        data=dataclasses.replace(whole.data, **small),
        decoded=dataclasses.replace(whole.decoded, temperatures=[0.1, 1.0]),
        optimizer=dataclasses.replace(whole.optimizer, **short),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe, photos: Path) -> Path:
    out = tmp_path_factory.mktemp("run")
    train.train(recipe, find_photos([photos]) * 8, out, dict(QUIET), loaders=0)
    return out


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, run: Path) -> Path:
    """A folder of models with the one of the run."""
    models = tmp_path_factory.mktemp("exported")
    to_onnx.main([str(run), "--models", str(models)])
    return models


@pytest.mark.parametrize("full", [False, True], ids=["minutes", "full"])
@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_every_recipe_survives_the_way_into_a_checkpoint_and_back(file: Path, full: bool) -> None:
    recipe = read_recipe(file, full=full)
    assert recipe_from_dict(json.loads(json.dumps(dict_from_recipe(recipe)))) == recipe


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("[loss]", "[loss]\nluck = 1", "luck"),
        ('name = "soft-cross-entropy"', 'name = "luck"', "choose one of soft-cross-entropy, squared-error"),
        ('schedule = "cosine"', 'schedule = "cosin"', "cosine, plateau"),
        ("held_out = 0.02", "held_out = 0", "0.01 to 0.5"),
        ('title = "Autochrome"', "", "title"),
        ("seed = 1", "seed =", "mend it"),
        ("multiple = 32", "side = 64", "size under"),
        ("[decoded]", "[decoded]\ntemperatures = [0.6, 1.0]", "do not enclose the default"),
        ('encoders = ["lite1"]', 'encoders = ["lite1", "vgg"]', "one or more of lite0, lite1"),
        ('encoders = ["lite1"]', "encoders = []", "one or more of lite0, lite1"),
        ('encoders = ["lite1"]', 'encoders = "lite1"', "a list"),
        ("degraded = 0.3", "degraded = 0.3\nrotation = 200", "0 to 180 degrees"),
        ("degraded = 0.3", "degraded = 0.3\nstretch = 0.9", "stretch 1 to 4"),
        ("degraded = 0.3", "degraded = 0.3\ncutmix = 2", "cutmix 0 to 1"),
        ("degraded = 0.3", "degraded = 0.3\nrotation = 5\npadding = 50.0", "are not turned"),
        ("stride = 4", "stride = 3", "crop is some strides"),
        ("smallest = 0.6", "smallest = 1.2", "smallest and largest"),
        ("degraded = 0.3", "degraded = 3", "degraded is a share"),
        ("osie = 2.0", "osie = -2.0", "less often than never"),
        ("spacing = 2", "spacing = 0", "a spacing is 1"),
        ("batch = 24", "batch = 200_000", "a batch or more"),
        ("warm_up = 0.03", "warm_up = 1", "below 1"),
        ("ema = 0.998", "ema = 99", "ema is 0"),
        ("encoder_rate = 1.5e-4", "encoder_rate = -1", "not negative"),
        ("[start]", "[start]\nend = 1", "end"),
        ("[start]", "[start]\nshare = 1.0", "0 to below 1"),
        ("[manifest]", "[manifest]\n[other]", "description"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_a_sentence(tmp_path: Path, right: str, wrong: str, words: str) -> None:
    file, text = tmp_path / "wrong.toml", DEFAULT.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    with pytest.raises(ColorizeError, match=words):
        read_recipe(file)


def test_photographs_are_found_in_folders_and_tars(photos: Path) -> None:
    found = find_photos([photos])
    assert [photo.name for photo in found] == ["astronaut.jpg", "chelseas/chelsea.jpg", "coffees/coffee.jpg"]
    assert [photo.source for photo in found] == ["", "chelseas", "coffees"]
    assert found[2].rgb().shape == data.coffee().shape


@pytest.mark.parametrize(
    ("place", "words"),
    [("empty", "name a folder or a tar"), ("nowhere.tar", "check the name"), ("damaged.tar", "mend it")],
)
def test_a_place_without_photographs_is_a_sentence(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.tar").write_text("no tar")
    with pytest.raises(ColorizeError, match=words):
        find_photos([tmp_path / place])


def test_the_bins_are_zhangs() -> None:
    centers = bins.bin_centers()
    assert centers.shape == (313, 2)
    assert len(np.unique(centers, axis=0)) == 313
    assert {(0, 0), (-90, 50), (100, -90), (60, -110)} <= {tuple(center) for center in centers.tolist()}
    rgb = np.random.default_rng(0).random((20000, 3), np.float32)
    nearest = np.abs(lab_from_rgb(rgb)[:, None, 1:] - centers).max(axis=2).min(axis=1)
    assert np.mean(nearest <= bins.GRID / 2 + 0.01) > 0.9  # made for D65, they still cover the D50 gamut


def test_soft_encoding_and_annealed_mean_are_each_others_inverse() -> None:
    ab = np.random.default_rng(0).uniform(-45, 45, (30, 40, 2)).astype(np.float32)
    nearest, shares = bins.soft_encode(ab)
    scores = np.full((30, 40, 313), -30, np.float32)
    np.put_along_axis(scores, nearest, np.log(shares + 1e-12), axis=2)
    decoded = AnnealedMean()(torch.from_numpy(scores).permute(2, 0, 1)[None], torch.tensor([1.0]))
    found = decoded[0].permute(1, 2, 0).numpy()
    assert np.linalg.norm(found - ab, axis=2).mean() < 2.5


def test_the_loss_is_smallest_at_the_truth_and_weighs_rare_bins_more() -> None:
    ab = torch.full((1, 2, 2, 2), 40.0)
    nearest, shares = (torch.from_numpy(array) for array in bins.soft_encode(ab.permute(0, 2, 3, 1).numpy()))
    truth = torch.zeros(1, 313, 2, 2).scatter_(1, nearest.permute(0, 3, 1, 2), shares.permute(0, 3, 1, 2))
    loss = SoftCrossEntropy(uniform_share=0.5)
    right, wrong = (loss(torch.log(p + 1e-6), ab) for p in (truth, truth.roll(50, 1)))
    assert right < wrong
    flat = torch.zeros(1, 313, 2, 2)
    assert loss(flat, ab) == pytest.approx(np.log(313), abs=1e-3)
    loss.prepare(iter([np.zeros((100, 3), np.float32)]))  # photographs without colours make these ones rare
    assert loss(flat, ab) > np.log(313)
    prior = bins.measure_prior(np.zeros((100, 2), np.float32))
    assert float(prior @ loss.weights.numpy()) == pytest.approx(1, abs=1e-3)


def test_colours_that_no_photograph_had_have_no_rarity_of_their_own() -> None:
    prior = np.zeros(313, np.float32)
    prior[:2] = 0.75, 0.25
    weights = bins.class_weights(prior, 0)
    assert weights[:2] * prior[:2] == pytest.approx([0.5, 0.5])
    assert np.all(weights[2:] == weights[1])


def test_the_squared_error_counts_an_axis_as_one() -> None:
    ab = torch.zeros(1, 2, 3, 3)
    assert SquaredError()(ab, ab) == 0
    far = ab.clone()
    far[:, 0] = 255
    assert SquaredError()(far, ab) == 0.5


def test_lab_in_torch_is_that_of_the_worker() -> None:
    rgb = np.random.default_rng(0).random((1, 3, 8, 9), np.float32)
    lab = torch.from_numpy(np.moveaxis(lab_from_rgb(np.moveaxis(rgb, 1, -1)), -1, 1))
    assert rgb_from_lab(lab[:, :1], lab[:, 1:]).numpy() == pytest.approx(rgb, abs=1e-4)


@pytest.mark.parametrize("measure", ["perceptual", "recognition"])
def test_what_a_network_sees_is_0_at_the_truth_and_tells_colours_where_to_go(measure: str) -> None:
    lab = torch.from_numpy(lab_from_rgb(data.coffee()[:256, :256].astype(np.float32) / 255)).permute(2, 0, 1)[None]
    L, truth = lab[:, :1], lab[:, 1:, ::4, ::4].contiguous()
    alike = Perceptual("lite0")
    assert float(alike(L, truth, truth)[measure]) == 0
    half = (truth / 2).requires_grad_()
    loss = alike(L, half, truth)[measure]
    (gradient,) = torch.autograd.grad(loss, half)
    assert 0 < float(loss.detach()) < float(alike(L, truth * 0, truth)[measure])
    assert float((gradient * truth).sum()) < 0  # more of the true colours would make it smaller


def test_recognition_is_what_the_classes_chances_are_off_those_of_the_truth() -> None:
    L, ab, true_ab = 100 * torch.rand(2, 1, 64, 96), *(40 * torch.randn(2, 2, 2, 64, 96)).unbind()
    network = pretrained("lite0").eval()
    with torch.no_grad():
        found = Perceptual("lite0")(L, ab, true_ab)["recognition"]
        q, p = (network((rgb_from_lab(L, seen) * 255 - 127) / 128).softmax(dim=1) for seen in (ab, true_ab))
    assert float(found) == pytest.approx(float((p * (p / q).log()).sum(dim=1).mean()), rel=1e-3)


def test_the_chromas_of_a_crop_are_wanted_as_they_are_wherever_they_lie() -> None:
    rgb = data.coffee()[:256, :256]
    truth = torch.from_numpy(lab_from_rgb(rgb.astype(np.float32) / 255)).permute(2, 0, 1)[None, 1:]
    mirrored = truth.flip(-1)
    assert float(decoded.chroma_gap(mirrored, truth)) == 0
    patch = truth * 0
    patch[..., :32, :32] = 120.0  # as much chroma in all, in one place
    assert float(decoded.chroma_gap(patch, truth)) > float(decoded.chroma_gap(truth * 0.5, truth)) > 0
    for found in (truth * 0, truth * 0.5, truth * 1.2):
        found.requires_grad_()
        (gradient,) = torch.autograd.grad(decoded.chroma_gap(found, truth), found)
        assert torch.isfinite(gradient).all()
        if found.any():
            towards = float((gradient * truth).sum())
            assert (towards < 0) == bool(found.norm() < truth.norm())  # more colour where it is too pale, else less


def test_the_distance_of_decoded_colours_is_0_at_the_truth_and_grows_with_every_unit() -> None:
    truth = torch.zeros(1, 2, 3, 3)
    off = [float(decoded.distance(truth + step, truth)) for step in (0, 1, 2, 40, 41)]
    assert off[0] == 0
    assert off == sorted(off)
    assert off[4] - off[3] == pytest.approx(2**0.5 / 15, rel=0.01)  # one unit in a and in b, shares of 15


def test_the_weight_of_chroma_falls_from_low_temperatures_to_high_ones() -> None:
    torch.manual_seed(1)
    drawn, shares = decoded.drawn_temperatures([0.1, 1.0], 0.5, 1000)
    assert 0.1 <= drawn.min() < 0.11 and 0.99 < drawn.max() <= 1.0
    assert torch.allclose(shares, 1 + 2 * (0.5 - drawn), atol=1e-6)  # 1 at the default, 0 at the highest
    only, all_of_it = decoded.drawn_temperatures([], 0.5, 2)
    assert only.tolist() == [0.5, 0.5] and all_of_it.tolist() == [1.0, 1.0]


def test_a_crop_is_degraded_for_the_network_only(photos: Path, recipe: Recipe) -> None:
    photo = find_photos([photos])
    always = dataclasses.replace(recipe.data, degraded=1.0, smallest=1.0)
    old = Crops(photo, always)[1, 3]
    clean = Crops(photo, dataclasses.replace(always, degraded=0.0))[1, 3]
    assert old["L"].shape == (1, 64, 64)
    assert not torch.equal(old["L"], clean["L"])
    assert torch.equal(old["ab"], clean["ab"])


def test_old_scans_stay_in_range_and_keep_their_picture() -> None:
    L = lab_from_rgb(data.astronaut().astype(np.float32) / 255)[..., 0]
    for seed in range(12):
        old = degrade(L, np.random.default_rng(seed))
        assert 0 <= old.min() <= old.max() <= 100
        assert np.corrcoef(old.ravel(), L.ravel())[0, 1] > 0.8


def test_a_border_has_no_colour_and_the_picture_inside_keeps_its_own() -> None:
    lab = np.full((60, 80, 3), 40, np.float32)
    framed = [frame(lab, np.random.default_rng(seed)) for seed in range(40)]
    bordered = [one for one in framed if not np.array_equal(one, lab)]
    assert 2 < len(bordered) < 20
    for one in bordered:
        border = one[..., 0] != 40
        assert not one[border][:, 1:].any()
        assert (one[~border] == 40).all()
        assert border.mean() < 0.4


def test_what_is_small_turns_and_stretches_with_its_photograph() -> None:
    photo = data.astronaut()[:400, :320]
    assert np.array_equal(Turn(0.0, 1.0).of(photo, (400, 320)), photo)
    assert np.array_equal(Turn(180.0, 1.0).of(photo, (400, 320)), photo[::-1, ::-1])
    turn = Turn(9.0, 1.2)
    wide = cv2.resize(photo, (100, 60), interpolation=cv2.INTER_AREA)  # not in its proportions, as teachers see it
    found = turn.of(wide.astype(np.float32), (400, 320))
    wanted = cv2.resize(turn.of(photo, (400, 320)), (100, 60), interpolation=cv2.INTER_AREA)
    unturned = np.abs(wide.astype(np.float32) - wanted).mean()
    assert np.abs(found - wanted).mean() < 0.1 * unturned


def test_turns_stay_within_their_limits() -> None:
    turns = [Turn.drawn(10.0, 1.25, np.random.default_rng(seed)) for seed in range(200)]
    assert -10 <= min(turn.degrees for turn in turns) < -8 and 8 < max(turn.degrees for turn in turns) <= 10
    assert 0.8 <= min(turn.stretch for turn in turns) < 0.83 and 1.2 < max(turn.stretch for turn in turns) <= 1.25


def test_a_part_of_the_next_crop_is_cut_into_the_last_ones_with_its_colours() -> None:
    numbers = torch.arange(6.0)[:, None, None, None]
    colours = numbers.expand(6, 2, 8, 8)
    batch = {"L": numbers.expand(6, 1, 32, 32), "ab": colours, "teachers": colours}
    mixed = cut_mixed(batch, 0.5, np.random.default_rng(1))
    assert all(torch.equal(mixed[name][:3], batch[name][:3]) for name in batch)
    for place, other in ((3, 4), (4, 5), (5, 0)):
        cut = mixed["ab"][place, 0] == other
        assert cut.any() and ((mixed["ab"][place, 0] == place) | cut).all()
        assert torch.equal(mixed["L"][place, 0], mixed["ab"][place, 0].repeat_interleave(4, 0).repeat_interleave(4, 1))
        assert torch.equal(mixed["teachers"][place], mixed["ab"][place])


def test_blocks_are_left_out_in_training_only() -> None:
    torch.manual_seed(1)
    plain, dropped = Encoder("lite0"), Encoder("lite0", drop_path=0.5)
    grey = torch.rand(2, 1, 64, 64)
    wanted, found = (encoder.eval()(grey) for encoder in (plain, dropped))
    assert all(torch.equal(one, other) for one, other in zip(wanted, found, strict=True))
    for norm in (module for module in dropped.train().modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.eval()
    once, again = dropped(grey)[-1], dropped(grey)[-1]
    assert not torch.equal(once, again)


@pytest.mark.parametrize("rate", [-0.1, 1.0, "much"])
def test_a_rate_that_is_none_is_a_sentence(recipe: Recipe, rate: Any) -> None:
    options = {**read_recipe(DEFAULT).network.options, "drop_path": rate}
    unusable = dataclasses.replace(recipe, network=Network("efficientnet-unet", options))
    with pytest.raises(ColorizeError, match=r"drop_path|options"):
        train.Training(dict_from_recipe(unusable))


@pytest.mark.parametrize("change", [{"rotation": 90.0}, {"stretch": 2.0}])
def test_crops_are_turned_and_stretched_as_the_recipe_says(
    photos: Path, recipe: Recipe, change: dict[str, Any]
) -> None:
    plain = dataclasses.replace(recipe.data, smallest=1.0, degraded=0.0)
    as_they_are, varied = (Crops(find_photos([photos]), data) for data in (plain, dataclasses.replace(plain, **change)))
    differences = [(as_they_are[0, seed]["L"] - varied[0, seed]["L"]).abs().mean() for seed in range(4)]
    assert min(differences) > 5


def test_as_many_crops_are_mixed_as_the_recipe_says(
    photos: Path, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = []

    def noted(batch: train.Batch, share: float, random: np.random.Generator) -> train.Batch:
        changed = cut_mixed(batch, share, random)
        mixed.append([not torch.equal(*some) for some in zip(batch["L"], changed["L"], strict=True)])
        return changed

    monkeypatch.setattr(train, "cut_mixed", noted)
    short = dataclasses.replace(
        recipe,
        data=dataclasses.replace(recipe.data, cutmix=0.5),
        optimizer=dataclasses.replace(recipe.optimizer, crops=4, batch=4),
    )
    train.train(short, find_photos([photos]), tmp_path, dict(QUIET), loaders=0)
    assert mixed == [[False, False, True, True]]


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
@pytest.mark.parametrize("side", [12, 13])
def test_the_fast_depthwise_convolution_learns_what_the_library_learns(kernel: int, stride: int, side: int) -> None:
    fast, x = Depthwise(6, kernel, stride), torch.randn(2, 6, side, side, requires_grad=True)
    answer, plain = fast.train()(x), fast.eval()(x)
    assert torch.equal(answer, plain)
    gradient = torch.randn_like(answer)
    found, wanted = (torch.autograd.grad(y, (x, fast.weight), gradient) for y in (answer, plain))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_attention_joins_a_network_without_a_change_and_then_looks_everywhere() -> None:
    attention, x = Attention(64), torch.randn(1, 64, 3, 5)
    assert torch.equal(attention(x), x)
    torch.nn.init.normal_(attention.joined.weight)
    elsewhere = x.clone()
    elsewhere[..., 2, 4] += 1
    assert not torch.equal(attention(x)[..., 0, 0], attention(elsewhere)[..., 0, 0])


def test_a_network_goes_on_from_an_onnx_file_as_if_it_had_never_left(run: Path, exported: Path) -> None:
    trained = to_onnx.load_run(run)
    recipe, wanted = trained.recipe, trained.network
    found = NETWORKS[recipe.network.name](**recipe.network.options)
    L = torch.rand(2, 1, 64, 64) * 100
    start_from(exported / f"{recipe.manifest.id}.onnx", "", found, [L])
    photograph = torch.rand(1, 1, 96, 64) * 100
    with torch.no_grad():
        assert (found.eval()(photograph) - wanted(photograph)).abs().mean() < 0.02  # its weights have 16 bits
        found.train()(L)  # the statistics that it measures in training are those that it has
        assert (found.eval()(photograph) - wanted(photograph)).abs().mean() < 0.2


def test_what_was_learned_is_averaged_with_what_it_started_from(
    run: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = torch.load(run / train.LAST, weights_only=True)
    recipe = recipe_from_dict(checkpoint["hyper_parameters"]["recipe"])
    file = exported / f"{recipe.manifest.id}.onnx"
    other = to_onnx.load_run(run).network
    for parameter in other.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    L = torch.rand(1, 1, 64, 96) * 100

    def answer(share: float) -> torch.Tensor:
        network = copy.deepcopy(other)
        average_with(file, "", share, network, L)
        with torch.no_grad():
            answered: torch.Tensor = network(L)
        return answered

    with torch.no_grad():
        learned, started = other(L), to_onnx.load_run(run).network(L)
    apart = (learned - started).abs().mean()
    assert (answer(0.0) - learned).abs().mean() < 0.01 * apart
    assert (answer(1.0) - started).abs().mean() < 0.1 * apart  # the file's weights have fewer bits
    assert (answer(0.5) - started).abs().mean() < 0.9 * apart

    whole = train.Training(dict_from_recipe(recipe))
    whole.network = other
    checkpoint["state_dict"] = whole.state_dict()
    checkpoint["hyper_parameters"]["recipe"]["start"] = {"file": file.name, "sha256": "", "share": 0.5}
    torch.save(checkpoint, tmp_path / train.LAST)
    monkeypatch.setattr(to_onnx, "models_folder", lambda: exported)
    with torch.no_grad():
        assert torch.allclose(to_onnx.load_run(tmp_path).network(L), answer(0.5), atol=1e-3)


class Scaled(torch.nn.Module):
    """Weights that are kept in 8, 16 and 32 bits, and one whose name ends as a scale's does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = torch.nn.Linear(8, 400), torch.nn.Linear(400, 500)
        self.second.weight.data[7] *= 100
        self.second.weight.data[8] = 0
        self.third = torch.nn.ParameterDict({"scale": torch.rand(500)})
        self.table = torch.nn.Parameter(torch.rand(70_000))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 8) -> (1, 500)"""
        answer: torch.Tensor = self.second(self.first(x)) * self.third["scale"] + self.table.mean()
        return answer


def test_small_weights_are_nearly_those_that_were_stored() -> None:
    program = torch.onnx.export(Scaled().eval(), (torch.rand(1, 8),), dynamo=True, verbose=False)
    assert program is not None
    plain = program.model_proto
    before = {one.name: onnx.numpy_helper.to_array(one) for one in plain.graph.initializer}
    packed = pack(onnx.ModelProto.FromString(plain.SerializeToString()))
    assert packed.ByteSize() < 0.35 * plain.ByteSize()
    after = unpacked(packed.graph.initializer)
    assert before.keys() == after.keys()
    for name, values in before.items():
        rows, found = (some.reshape(len(some), -1) if some.ndim else some for some in (values, after[name].numpy()))
        assert np.all(np.abs(found - rows).max(axis=-1) <= np.abs(rows).max(axis=-1) / 253)
    seen = np.random.default_rng(1).random((1, 8), np.float32)
    found, wanted = (
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, {model.graph.input[0].name: seen})[0]
        for model in (packed, plain)
    )
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()


def test_the_networks_that_look_at_decoded_colours_take_turns(
    recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    class Noted(Perceptual):
        def __init__(self, encoder: str) -> None:
            super().__init__(encoder)
            self.encoder = encoder

        def __call__(self, *seen: Any, **averaged: Any) -> dict[str, torch.Tensor]:
            looked.append(self.encoder)
            return super().__call__(*seen, **averaged)

    assert recipe.decoded is not None
    both = dataclasses.replace(recipe.decoded, encoders=["lite1", "lite0"])
    three_steps = dataclasses.replace(recipe.optimizer, crops=12)
    monkeypatch.setattr(train, "Perceptual", Noted)
    short = dataclasses.replace(recipe, decoded=both, optimizer=three_steps)
    train.train(short, find_photos([photos]) * 8, tmp_path, dict(QUIET), loaders=0)
    assert looked == ["lite1", "lite0", "lite1"]


def test_a_model_of_several_has_the_means_of_their_weights(exported: Path, tmp_path: Path) -> None:
    (file,) = exported.glob("*.onnx")
    other, mean = tmp_path / "other.onnx", tmp_path / "new" / "mean.onnx"
    moved = unpack(onnx.load(file))
    for stored in moved.graph.initializer:
        if stored.name.endswith("weight"):
            stored.CopyFrom(from_array(to_array(stored) * np.float32(1.5), stored.name))
    other.write_bytes(pack(moved).SerializeToString())
    average.main([str(file), str(other), "--out", str(mean)])
    one, two, both = (unpacked(onnx.load(each).graph.initializer) for each in (file, other, mean))
    assert one.keys() == two.keys() == both.keys()
    for name, value in both.items():
        assert torch.allclose(value, (one[name] + two[name]) / 2, atol=0.01 * float(one[name].abs().max()))
    assert abs(mean.stat().st_size - file.stat().st_size) < 100
    onnxruntime.InferenceSession(mean.read_bytes(), providers=["CPUExecutionProvider"])
    with pytest.raises(ColorizeError, match="another network"):
        average.average([file, MODELS / "palette.onnx"])


@pytest.mark.parametrize(
    ("content", "sha256", "words"),
    [(b"no model", "", "cannot be read"), (None, "", "made by the same one"), (None, "0", "another version")],
)
def test_a_file_that_cannot_be_started_from_is_a_sentence(
    tmp_path: Path, content: bytes | None, sha256: str, words: str
) -> None:
    file, other = tmp_path / "other.onnx", torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3))
    file.write_bytes((MODELS / "autochrome.onnx").read_bytes() if content is None else content)
    with pytest.raises(ColorizeError, match=words):
        start_from(file, sha256, other, [torch.rand(1, 1, 8, 8)])


def test_training_learns_and_keeps_its_logs(run: Path, recipe: Recipe, photos: Path) -> None:
    network = to_onnx.load_run(run).network
    crops = [Crops(find_photos([photos]), recipe.data)[place] for place in range(3)]
    L, ab = (torch.stack([crop[name] for crop in crops]) for name in ("L", "ab"))
    with torch.no_grad():
        assert SoftCrossEntropy(1)(network(L), ab) < np.log(313)
    assert list(run.glob("logs/events*"))


def test_the_moving_average_leaves_tables_as_they_are(
    recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong: list[int] = []
    table = torch.from_numpy(bins.encoding_tables.__wrapped__()[0])
    validate = train.Training.validation_step

    def watched(self: train.Training, batch: train.Batch, index: int) -> None:
        assert isinstance(self.loss, SoftCrossEntropy)
        wrong.append(int((self.loss.nearest != table).sum()))
        validate(self, batch, index)

    monkeypatch.setattr(train.Training, "validation_step", watched)
    train.train(recipe, find_photos([photos]) * 8, tmp_path, dict(QUIET), loaders=0)
    assert len(wrong) > 2  # it validates before the first step too
    assert not any(wrong)
    assert np.array_equal(bins.encoding_tables()[0], table)


def test_a_loss_that_is_no_number_ends_a_training(
    recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SoftCrossEntropy, "forward", lambda _self, scores, _ab: scores.sum() * float("nan"))
    with pytest.raises(ColorizeError, match="no number"):
        train.train(recipe, find_photos([photos]) * 8, tmp_path, dict(QUIET), loaders=0)
    assert not (tmp_path / train.LAST).exists()


@pytest.mark.parametrize(("capability", "precision"), [("AVX2", "32-true"), ("AVX512", "bf16-mixed")])
def test_a_training_has_the_precision_that_the_processor_does_fast(
    recipe: Recipe, photos: Path, monkeypatch: pytest.MonkeyPatch, capability: str, precision: str
) -> None:
    had: list[str] = []
    step = train.Training.training_step

    def watched(self: train.Training, batch: train.Batch, index: int) -> torch.Tensor:
        had.append(str(self.trainer.precision))
        return step(self, batch, index)

    monkeypatch.setattr(train.Training, "training_step", watched)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    unsaid = {name: value for name, value in QUIET.items() if name != "precision"}
    one_step = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, crops=4))
    train.train(one_step, find_photos([photos]), photos.parent / f"run-{capability}", unsaid, loaders=0)
    assert had == [precision]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_a_training_keeps_the_memory_of_a_step_for_the_next() -> None:
    freed = (
        "import os, torch; torch.ones(50_000_000);"
        "print(int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE'))"
    )
    kept = "from export.allocation import keep_memory; keep_memory();"
    before, after = (int(output(sys.executable, "-c", code)) for code in (freed, kept + freed))
    assert after - before > 150e6  # of the 200 million bytes


def test_training_goes_on_where_it_stopped(
    run: Path, recipe: Recipe, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(run, tmp_path / "run")
    done: list[int] = []
    step = train.Training.training_step

    def counted(self: train.Training, batch: train.Batch, index: int) -> torch.Tensor:
        done.append(index)
        return step(self, batch, index)

    monkeypatch.setattr(train.Training, "training_step", counted)
    for crops in (112, 128):
        longer = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, crops=crops))
        done.clear()
        train.train(longer, find_photos([photos]) * 8, run, dict(QUIET), loaders=0)
        assert len(done) == 4  # of 28 and 32: the others were done before
        assert torch.load(run / train.LAST, weights_only=True)["global_step"] == longer.steps
    assert "last-v1.ckpt" not in [path.name for path in run.glob("*.ckpt")]


def test_training_goes_on_by_the_same_recipe_with_the_same_photographs_only(
    run: Path, recipe: Recipe, photos: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(run, tmp_path / "run")
    longer = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, crops=112))
    before = (run / train.LAST).read_bytes()
    with pytest.raises(ColorizeError, match="other photographs"):
        train.train(longer, find_photos([photos]) * 9, run, dict(QUIET), loaders=0)
    with pytest.raises(ColorizeError, match="another recipe"):
        train.train(dataclasses.replace(longer, seed=2), find_photos([photos]) * 8, run, dict(QUIET), loaders=0)
    assert (run / train.LAST).read_bytes() == before


def test_a_run_remembers_the_version_that_it_started_from(
    run: Path, exported: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = to_onnx.load_run(run).recipe
    file = shutil.copytree(exported, tmp_path / "models") / f"{recipe.manifest.id}.onnx"
    for module in (train, to_onnx):
        monkeypatch.setattr(module, "models_folder", lambda: file.parent)
    begun = dataclasses.replace(
        recipe, start=Start(file.name, share=0.5), optimizer=dataclasses.replace(recipe.optimizer, crops=4)
    )
    longer = dataclasses.replace(begun, optimizer=dataclasses.replace(recipe.optimizer, crops=8))
    train.train(begun, find_photos([photos]) * 8, tmp_path / "run", dict(QUIET), loaders=0)
    version = hashlib.sha256(file.read_bytes()).hexdigest()
    to_onnx.main([str(tmp_path / "run"), "--models", str(file.parent)])
    train.train(longer, find_photos([photos]) * 8, tmp_path / "run", dict(QUIET), loaders=0)
    told = torch.load(tmp_path / "run" / train.LAST, weights_only=True)["hyper_parameters"]["recipe"]["start"]
    assert told["sha256"] == version != hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(ColorizeError, match="another version"):  # it would be the mean with a mean
        to_onnx.load_run(tmp_path / "run")


def test_few_photographs_are_learned_from_without_validation(recipe: Recipe, photos: Path, tmp_path: Path) -> None:
    least = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, held_out=0.02))
    short = dataclasses.replace(least, optimizer=dataclasses.replace(least.optimizer, crops=8))
    with pytest.warns(UserWarning, match="give 26 or more"):
        train.train(short, find_photos([photos]) * 8, tmp_path / "few", dict(QUIET), loaders=0)
    assert torch.load(tmp_path / "few" / train.LAST, weights_only=True)["global_step"] == 2
    assert Batches(least, (find_photos([photos]) * 9)[:26], None, loaders=0, seed=0).kept.photos
    patient = dataclasses.replace(least, optimizer=dataclasses.replace(least.optimizer, patience=3))
    with pytest.raises(ColorizeError, match="hold out a larger share"):
        train.train(patient, find_photos([photos]) * 8, tmp_path, dict(QUIET), loaders=0)
    hasty = dataclasses.replace(recipe, optimizer=dataclasses.replace(patient.optimizer, crops=8))
    with pytest.raises(ColorizeError, match="before its first validation"):
        train.train(hasty, find_photos([photos]) * 8, tmp_path, dict(QUIET), loaders=0)


def test_sources_that_are_never_drawn_are_a_sentence(recipe: Recipe, photos: Path) -> None:
    sampling = {"": 0.0, "coffees": 0.0, "chelseas": 0.0}
    none = dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, sampling=sampling))
    with pytest.raises(ColorizeError, match="nothing is drawn"):
        Batches(none, find_photos([photos]) * 8, None, loaders=0, seed=0)


def test_the_onnx_file_answers_as_the_network_and_carries_its_facts(run: Path, exported: Path) -> None:
    (model,) = read_models(exported)
    training = to_onnx.load_run(run)
    assert (model.id, model.kind) == (training.recipe.manifest.id, "classification")
    L = torch.rand(1, 1, 96, 160) * 100
    with torch.no_grad():
        wanted = training.colorizer()(L, torch.tensor([0.3, 0.9]))
    found = Session(model, "cpu").run(L[0, 0].numpy(), [0.3, 0.9])
    assert found.shape == (2, 24, 40, 2)
    assert np.abs(np.moveaxis(found, -1, 1) - wanted.numpy()).mean() < to_onnx.FAITHFUL


def test_a_model_of_ones_own_begins_as_the_default_one(photos: Path) -> None:
    recipe = read_recipe(FINE_TUNE)
    training = train.Training(dict_from_recipe(recipe))
    crops = Crops(find_photos([photos]), recipe.data)
    L = torch.stack([crops[place]["L"] for place in range(3)])
    assert training.network.encoder.drop_path == recipe.network.options["drop_path"] > 0  # type: ignore[union-attr]
    assert recipe.start is not None
    start_from(MODELS / recipe.start.file, recipe.start.sha256, training.network, [L])
    default = next(model for model in read_models(MODELS) if model.file.name == recipe.start.file)
    with torch.no_grad():
        found = training.colorizer()(L[:1], torch.tensor([0.3, 0.5]))
    wanted = Session(default, "cpu").run(L[0, 0].numpy(), [0.3, 0.5])
    assert np.abs(found.numpy() - np.moveaxis(wanted, -1, 1)).mean() < 0.1


def test_a_model_gets_another_spread_without_a_training(exported: Path, tmp_path: Path) -> None:
    (former,) = read_models(exported)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(re.sub("(?m)^spread = .*$", "spread = 0.5", DEFAULT.read_text()))
    to_onnx.main([str(recipe), "--weights", str(former.file), "--models", str(tmp_path)])
    (latter,) = read_models(tmp_path)
    L = np.random.default_rng(0).uniform(0, 100, (96, 160)).astype(np.float32)
    before, after = (Session(model, "cpu").run(L, [0.5, 0.1]) for model in (former, latter))
    assert np.abs(after - before)[0].max() < 0.01
    assert np.ptp(after[1]) > 1.2 * np.ptp(before[1])
    other = Path(__file__).parents[1] / "models" / "zhang2016.onnx"  # its normalisations cannot be had back
    with pytest.raises(ColorizeError, match="nothing was written"):
        to_onnx.main([str(DEFAULT.with_name("zhang2016.toml")), "--weights", str(other), "--models", str(tmp_path)])


def test_low_temperatures_set_colours_apart_and_high_ones_bring_them_together() -> None:
    scores = torch.randn(1, 313, 6, 8, generator=torch.Generator().manual_seed(0))
    temperatures = torch.tensor([0.1, 0.5, 1.0])
    at_half_the_way = AnnealedMean()(scores, torch.tensor([0.05, 0.25, 0.5]).sqrt())
    found = Spread(AnnealedMean(), default=0.5, exponent=0.5)(scores, temperatures)
    assert torch.allclose(found[1], AnnealedMean()(scores, torch.tensor([0.5]))[0], atol=1e-4)
    for ab, plain, factor in zip(found, at_half_the_way, (5**0.5, 1, 0.5**0.5), strict=True):
        mean = plain.mean(dim=(1, 2), keepdim=True)
        assert torch.allclose(ab, mean + (plain - mean) * factor, atol=1e-3)


def test_a_model_takes_the_place_of_its_former_version(run: Path, exported: Path, tmp_path: Path) -> None:
    training = to_onnx.load_run(run)
    manifest = training.recipe.manifest
    for title in ("Former", "Latter"):
        model = onnx.load(exported / f"{manifest.id}.onnx")
        to_onnx.write_model(model, training.recipe.kind, dataclasses.replace(manifest, title=title), tmp_path)
    assert [model.title for model in read_models(tmp_path)] == ["Latter"]


def test_a_model_of_one_size_takes_that_size_only(run: Path) -> None:
    training = to_onnx.load_run(run)
    manifest = dataclasses.replace(training.recipe.manifest, size={"side": 96, "padding": 100.0})
    model = to_onnx.onnx_from_colorizer(training.colorizer(), manifest)
    shapes = {one.name: [side.dim_value for side in one.type.tensor_type.shape.dim] for one in model.graph.input}
    assert shapes["L"] == [1, 1, 96, 96]


@pytest.mark.parametrize("fault", [float("nan"), 50.0])
def test_an_onnx_file_that_is_not_its_network_is_refused(run: Path, exported: Path, fault: float) -> None:
    training = to_onnx.load_run(run)
    recipe, other = training.recipe, training.colorizer()
    model = onnx.load(exported / f"{recipe.manifest.id}.onnx")
    to_onnx.compare(model, other, recipe.manifest.framing)
    decoder = next(module for module in other.modules() if isinstance(module, AnnealedMean))
    decoder.register_buffer("centers", torch.full((313, 2), fault))
    with pytest.raises(ColorizeError, match="nothing was written"):
        to_onnx.compare(model, other, recipe.manifest.framing)


def test_a_damaged_photograph_does_not_end_a_training(photos: Path, recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no photograph")
    crops = Crops([*find_photos([tmp_path]), *find_photos([photos])], recipe.data)
    with pytest.warns(UserWarning, match="next one"):
        assert crops[0, 0]["L"].shape == (1, 64, 64)
    with pytest.warns(UserWarning, match="left out"):
        assert 0 < len([*colours_of(crops.photos, recipe.data, [1.0] * 4)]) < 4
    with pytest.warns(UserWarning), pytest.raises(ColorizeError, match="None of the photographs"):
        Crops(find_photos([tmp_path]), recipe.data)[0]
    with pytest.warns(UserWarning), pytest.raises(ColorizeError, match="None of the photographs"):
        train.train(recipe, find_photos([tmp_path]) * 8, tmp_path / "run", dict(QUIET), loaders=0)


def test_an_expected_failure_of_a_training_command_is_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "export.to_onnx", str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"There is no last.ckpt in {tmp_path}: train first")


def test_evaluation_measures_a_model_beside_the_baselines(
    exported: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robustness, "SIZE_PHOTOS", 1)  # the largest size takes seconds for each
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    model, sheet = read_models(tmp_path)[0].id, tmp_path / "sheet.png"
    places = ["--photos", str(photos), "--folder", str(tmp_path)]
    evaluate.main([model, *places, "--sheet", str(sheet), "--rows", "3", "--record"])
    results = json.loads((tmp_path / "manifest.json").read_text())["models"][0]["results"]
    assert 0 < results["ab_error_share"] < 3
    assert sheet.stat().st_size > 50_000


def test_the_baselines_have_the_figures_they_must_have(photos: Path) -> None:
    found = find_photos([photos])
    rows = evaluate.evaluate({"itself": lambda rgb: rgb}, found, Sheet(1))
    assert rows["grey"].colourfulness < 0.01
    assert (rows["grey"].ab_error_share, rows["grey"].psnr_gained, rows["grey"].gap_closed) == (1, 0, 0)
    assert rows["mean ab per L"].ab_error_share < 1
    assert rows["mean ab per L"].cast < rows["grey"].cast
    perfect = rows["itself"]
    assert (perfect.ab_error, perfect.ssim, perfect.colourfulness, perfect.same_class) == (0, 1, 1, 1)
    assert abs(perfect.frechet_share) < 1e-3


def test_the_frechet_distance_is_that_of_two_gaussians() -> None:
    random = np.random.default_rng(0)
    near, far = random.normal(0, 1, (1000, 3)), random.normal([1, 0, 0], 2, (1000, 3))
    assert metrics.frechet_distance(near, near) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet_distance(near, far) == pytest.approx(1 + 3 * (2 - 1) ** 2, rel=0.2)


def test_photographs_held_out_are_never_trained_on(photos: Path) -> None:
    found = find_photos([photos]) * 20
    learned, kept = split_photos(list(range(len(found))), 0.1)  # type: ignore[arg-type]  # any list can be split
    assert len(kept) == 6
    assert not set(learned) & set(kept)
    assert len(learned) + len(kept) == 60
