"""Liang 2016 for real, but in seconds: YUV, patches, two phases, styles, and the comparisons."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from skimage import data

from export import comparison, liang
from export.crops import Crops
from export.grading import STYLES, graded
from export.lab import ab_from_rgb
from export.losses import YuvInTwoPhases
from export.metrics import Rgb
from export.networks.liang2016 import Liang2016
from export.photos import find_photos
from export.recipe import RECIPES, changed, dict_from_recipe, read_recipe
from export.train import Training, train
from export.yuv import UV_LIMITS, ab_from_uv, uv_from_lab

RECIPE = read_recipe(RECIPES / "liang2016.toml")
STYLED = [name for name in STYLES if name != "none"]
ROW = r"^\| (\w+) \| ([\w ]+) \| ([\d.]+) \| [+-][\d.]+ \| [\d.]+ \| (\d+) \|$"  # of the printed table
SEES = 16  # pixels: the side of what their kernels see of a photograph
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pieces of two photographs, those of one outdoors as far as their folder says."""
    folder = tmp_path_factory.mktemp("photos")
    for name, source in (("coffee", "intel_scenes"), ("chelsea", "cats")):
        bgr = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2BGR)
        (folder / source).mkdir()
        for place in range(24):
            left, top = 25 * (place % 8), 60 * (place // 8)
            cv2.imwrite(str(folder / source / f"{place:02}.png"), bgr[top : top + 150, left : left + 150])
    return folder


def lab_of(rgb: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """sRGB 0..1 (h, w, 3) -> L (1, 1, h, w) and ab (1, 2, h, w)."""
    lab = torch.from_numpy(lab_from_rgb(rgb.astype(np.float32))).permute(2, 0, 1)[None]
    return lab[:, :1], lab[:, 1:]


def test_uv_are_those_of_bt_601() -> None:
    primaries = np.eye(3)[None]  # red, green, blue
    found = uv_from_lab(*lab_of(primaries))[0, :, 0].T.numpy()
    assert found == pytest.approx(np.array([[-0.147, 0.615], [-0.289, -0.515], [0.436, -0.100]]), abs=1e-3)
    greys = np.repeat(np.linspace(0, 1, 11)[None, :, None], 3, axis=2)
    assert uv_from_lab(*lab_of(greys)).abs().max() < 1e-4


def test_uv_of_a_photograph_give_its_colours_back() -> None:
    L, ab = lab_of(data.coffee() / 255)
    back = ab_from_uv(L, uv_from_lab(L, ab))
    assert (back - ab).norm(dim=1).mean() < 0.05 * ab.norm(dim=1).mean()
    assert ab_from_uv(L, 0 * ab).abs().max() < 1e-3


def test_ab_in_torch_is_that_of_the_worker() -> None:
    rgb = np.random.default_rng(0).random((8, 9, 3), np.float32)
    found = ab_from_rgb(torch.from_numpy(rgb).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    assert found == pytest.approx(lab_from_rgb(rgb)[..., 1:], abs=1e-3)


def awake(kernels: list[int]) -> torch.nn.Module:
    """A small network whose last layer, which starts at 0, has learned something."""
    torch.manual_seed(1)  # of so few kernels, none may sleep
    network = Liang2016(width=4, kernels=kernels)
    for part in (network.u, network.v):
        for weight in part[-1].parameters():
            torch.nn.init.normal_(weight)
    return network.eval()


def test_a_photograph_is_coloured_as_its_patches_are() -> None:
    network = awake([11, 4, 3, 1])
    L, reach = torch.rand(1, 1, 40, 56) * 100, SEES // 2
    with torch.no_grad():
        whole, patch = network(L), network(L[..., 4:36, 8:48])
    inside = patch[..., reach:-reach, reach:-reach]
    torch.testing.assert_close(inside, whole[..., 4 + reach : 36 - reach, 8 + reach : 48 - reach])
    assert inside[:, 1].abs().max() <= UV_LIMITS[0]
    assert inside[:, 2].abs().max() <= UV_LIMITS[1]


def test_all_sets_of_kernels_see_as_much_of_a_photograph() -> None:
    sets = {tuple(liang.row_recipe(row, full=False).network.options["kernels"]) for row in liang.ROWS}
    assert len(sets) == 6
    for kernels in sets:
        network = awake(list(kernels))
        L = torch.rand(1, 1, 48, 48) * 50
        other = L.clone()
        other[..., 24, 24] += 50
        touched = (network(L) != network(other))[0, 1:].any(dim=0)
        assert int(touched.any(dim=0).sum()) == int(touched.any(dim=1).sum()) == SEES


@pytest.mark.parametrize("done", [0.2, 0.8], ids=["norm", "cross-entropy"])
def test_both_losses_are_smallest_at_the_truth_on_either_side_of_0(done: float) -> None:
    loss = YuvInTwoPhases(first=0.5, border=4)
    loss.done = done
    L = torch.full((2, 1, 16, 16), 50.0)
    ab = torch.tensor([[20.0, 30.0], [-20.0, -30.0]])[:, :, None, None].expand(-1, -1, 16, 16)
    true = torch.cat([L, uv_from_lab(L, ab)], dim=1)
    right = loss(true, ab)
    assert (float(right) == pytest.approx(0, abs=1e-5)) == (done < 0.5)
    for channel in (1, 2):
        for shift in (-0.02, 0.02):
            wrong = true.clone()
            wrong[:, channel] += shift
            assert loss(wrong, ab) > right
    outside = true.clone()
    outside[..., :4] = 0.1
    outside[:, 0] = 50
    assert loss(outside, ab) == right


def test_a_training_goes_from_the_first_loss_to_the_second(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    forward = YuvInTwoPhases.forward

    def noted(self: YuvInTwoPhases, luv: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        if luv.requires_grad:
            shares.append(self.done)
        return forward(self, luv, ab)

    monkeypatch.setattr(YuvInTwoPhases, "forward", noted)
    recipe = changed(RECIPE, {"network": {"options": {"width": 4}}, "optimizer": {"crops": 40, "batch": 4}})
    train(recipe, find_photos([photos]), tmp_path, dict(QUIET), loaders=0)
    assert shares == pytest.approx([step / 10 for step in range(10)])


def test_patches_keep_the_scale_of_a_photograph_that_is_looked_at_whole(photos: Path) -> None:
    found = find_photos([photos / "intel_scenes"])
    for row in liang.ROWS:
        recipe = liang.row_recipe(row, full=False)
        assert Crops(found, recipe.data)[0, 0]["L"].shape[-1] == recipe.data.crop
        assert Crops(found, recipe.data)[0]["ab"].shape == (2, liang.SIDE, liang.SIDE)


@pytest.mark.parametrize("name", STYLED)
def test_a_style_colours_everything_but_black_and_white_and_leaves_the_lightness(name: str) -> None:
    lab = lab_from_rgb(data.coffee()[::4, ::4].astype(np.float32) / 255)
    greys = np.zeros((1, 3, 3), np.float32)
    greys[0, :, 0] = (0, 70, 100)
    styled, tinted = graded(lab, STYLES[name]), graded(greys, STYLES[name])
    assert np.array_equal(styled[..., 0], lab[..., 0])
    assert not np.allclose(styled[..., 1:], lab[..., 1:], atol=1)
    assert not tinted[0, ::2, 1:].any()
    assert tinted[0, 1, 2] > 0  # lights are warm in all of them
    assert np.array_equal(graded(lab, STYLES["none"]), lab)


@pytest.mark.parametrize("name", STYLED)
def test_a_network_learns_a_style_from_the_lightness_of_the_photograph_itself(name: str, photos: Path) -> None:
    found, styled = find_photos([photos]), read_recipe(RECIPES / f"liang2016-{name}.toml")
    plain, other = (Crops(found, recipe.data)[3] for recipe in (RECIPE, styled))
    assert torch.equal(plain["L"], other["L"])
    assert (plain["ab"] - other["ab"]).abs().mean() > 1
    assert changed(styled, {"data": {"grade": "none"}, "manifest": {}}).network == RECIPE.network


def test_a_recipe_of_an_unknown_style_is_a_sentence() -> None:
    with pytest.raises(ColorizeError, match=r'names the grade "sepia": choose one of none, bronze'):
        changed(RECIPE, {"data": {"grade": "sepia"}})


def test_a_recipe_learns_from_its_sources_only(photos: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, {"data": {"sources": ["nowhere"]}})
    with pytest.raises(ColorizeError, match="No photograph lies in a folder nowhere"):
        train(recipe, find_photos([photos]), tmp_path, dict(QUIET), loaders=0)


def test_refinement_smooths_colours_but_for_the_edges_of_the_grey_picture() -> None:
    guide = np.full((80, 80, 3), 60, np.uint8)
    guide[:, 40:] = 180
    noise = np.random.default_rng(0).integers(-20, 21, guide.shape)
    found = liang.refined((guide + noise).astype(np.uint8), guide).astype(int)
    assert np.abs(found - guide).mean() < np.abs(noise).mean() / 4
    assert found[:, 40].mean() - found[:, 39].mean() > 100


def test_the_comparisons_are_theirs_and_share_the_run_that_all_have() -> None:
    assert liang.COMPARISONS == ["patch", "layers", "kernels", "loss", "refinement", "seed"]
    assert len({row.name for row in liang.ROWS}) == 12
    one, other = (liang.row_recipe(row, full=False) for row in liang.ROWS if row.comparison == "seed")
    assert changed(one, {"seed": 2}) == other
    for comparison_ in liang.COMPARISONS:
        assert any(row.name == "theirs" for row in liang.ROWS if row.comparison == comparison_)
    full = liang.row_recipe(liang.ROWS[0], full=True)
    assert (full.data.crop, full.network.options["width"]) == (16, 512)


def test_liangs_comparisons_are_printed_with_their_sheets_and_go_on_where_they_stopped(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [row for row in liang.ROWS if row.name in ("theirs", "patch-16", "loss-first")]
    monkeypatch.setattr(liang, "ROWS", few)
    command = ["--photos", str(photos), "--out", str(tmp_path / "runs"), "--minutes", "0.01", "--tested", "2"]
    liang.main([*command, "--sheet", str(tmp_path / "sheets")])
    out = capsys.readouterr().out
    assert "Chance: two runs" in out
    rows = re.findall(ROW, out, re.MULTILINE)
    assert [row[:2] for row in rows] == [(row.comparison, row.value) for row in few]
    assert all(float(error) > 0 and int(crops) > 0 for *_, error, crops in rows)
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert {file.stem for file in (tmp_path / "sheets").iterdir()} == set(liang.COMPARISONS)
    sheet = cv2.imread(str(tmp_path / "sheets" / "refinement.png"))
    assert sheet is not None
    assert sheet.shape[1] == (2 + 2) * 164  # grey and the truth beside the two

    def never(*_: object) -> None:
        raise AssertionError("its minutes are spent")

    monkeypatch.setattr("export.train.Training.training_step", never)
    liang.main(command)
    assert re.findall(ROW, capsys.readouterr().out, re.MULTILINE) == rows


def test_a_picture_of_half_the_colours_has_half_of_greys_error(photos: Path) -> None:
    def half(one: comparison.Seen) -> Rgb:
        return one.rgb(one.true / 2)

    training = Training(dict_from_recipe(changed(RECIPE, {"network": {"options": {"width": 4}}}))).eval()
    found = comparison.measure_pictures(training, find_photos([photos])[:2], half)
    assert found.ab_error_share == pytest.approx(0.5, abs=0.02)
    assert found.psnr_gained == pytest.approx(20 * np.log10(2), abs=1)
    assert 0.3 < found.colourfulness < 0.7
    grey = comparison.measure_pictures(training, find_photos([photos])[:2])
    assert (grey.ab_error_share, grey.psnr_gained) == pytest.approx((1, 0), abs=1e-3)  # it starts at grey
