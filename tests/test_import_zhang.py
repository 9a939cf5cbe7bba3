"""Published weights become models: files of the published layers, but narrow, and the runtime that users have."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import D65, Float, lab_from_rgb, srgb_from_linear
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.framing import AnySize
from colorize_neural.worker.models import Model, read_models
from colorize_neural.worker.pixels import lightness
from colorize_neural.worker.sessions import Session
from skimage import color, data
from torch import Tensor, nn

from export import import_zhang
from export.bins import bin_centers
from export.d65 import D50FromD65
from export.networks.siggraph17 import Siggraph17
from export.networks.zhang2016 import Zhang2016
from export.to_onnx import FAITHFUL

State = dict[str, Tensor]

WIDTH = 4
TEMPERATURES = [0.5, 1.0]
NAMES = {"zhang2016-published": "colorization_release_v2", "siggraph17-published": "siggraph17"}

#   of both files, at their full width: channels out and in of each layer's convolutions, channels of its normalisation
SHARED = {
    "model2": ([(128, 64), (128, 128)], 128),
    "model3": ([(256, 128), (256, 256), (256, 256)], 256),
    "model4": ([(512, 256), (512, 512), (512, 512)], 512),
    **{f"model{number}": ([(512, 512)] * 3, 512) for number in (5, 6, 7)},
}
#   the layers of one file alone, each with its weight's shape
ECCV = {"model8.0": (512, 256, 4, 4), "model8.2": (256, 256, 3, 3), "model8.4": (256, 256, 3, 3)}
SIGGRAPH = {
    **{"model8up.0": (512, 256, 4, 4), "model3short8.0": (256, 256, 3, 3)},
    **{"model8.1": (256, 256, 3, 3), "model8.3": (256, 256, 3, 3), "model8.5": (256,)},
    **{"model9up.0": (256, 128, 4, 4), "model2short9.0": (128, 128, 3, 3)},
    **{"model9.1": (128, 128, 3, 3), "model9.3": (128,)},
    **{"model10up.0": (128, 128, 4, 4), "model1short10.0": (128, 64, 3, 3)},
    **{"model10.1": (128, 128, 3, 3), "model_out.0": (2, 128, 1, 1)},
}


@pytest.fixture(scope="module")
def published() -> dict[str, State]:
    """Each file's layers, by the id of its model; their colours vary over a photograph as those of trained ones do."""
    torch.manual_seed(0)
    zhang, siggraph = _lively(Zhang2016(WIDTH), "model8.6", 100), _lively(Siggraph17(WIDTH), "model_out.0", 6)
    zhang["model_out.weight"] = torch.empty(2, 313, 1, 1).uniform_(-0.1, 0.5)
    siggraph["model_class.0.weight"], siggraph["model_class.0.bias"] = torch.rand(529, 16, 1, 1), torch.rand(529)
    return {"zhang2016-published": zhang, "siggraph17-published": siggraph}


def _lively(network: nn.Module, last: str, gain: float) -> State:
    """Statistics that are not the initial ones, and answers that are far from each other."""
    state = network.state_dict()
    for name, weight in state.items():
        if name.endswith(("running_mean", "running_var")):
            weight.uniform_(0.02, 0.1)
    state[f"{last}.weight"] *= gain
    return state


@pytest.fixture(scope="module")
def folder(published: dict[str, State], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files, imported: one in the older format without counters, one in the newer."""
    place = tmp_path_factory.mktemp("published")
    old = {name: weight for name, weight in published["zhang2016-published"].items() if "num_batches" not in name}
    files = [
        saved(old, place, "colorization_release_v2", _use_new_zipfile_serialization=False),
        saved(published["siggraph17-published"], place, "siggraph17"),
    ]
    for file in files:
        import_zhang.main([str(file), "--models", str(place / "models")])
    return place / "models"


def saved(content: Any, folder: Path, name: str, **options: bool) -> Path:
    """A file as the authors name theirs, with the first digits of its own hash."""
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return named(buffer.getvalue(), folder, name)


def named(content: bytes, folder: Path, name: str) -> Path:
    file = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content)
    return file


def model_of(folder: Path, wanted: str) -> Model:
    return next(model for model in read_models(folder) if model.id == wanted)


def photograph() -> Float:
    """L (h, w) of a photograph, its sides odd multiples of 8."""
    rgb = cv2.resize(data.astronaut(), (104, 72), interpolation=cv2.INTER_AREA)
    return lightness(rgb)


def d50_from_d65(L: Float, ab: Float) -> Float:
    """L (h, w) and ab (h, w, 2) under D65 -> ab under D50, through the linear sRGB of the same colours."""
    fy, (a, b) = (L + 16) / 116, np.moveaxis(ab, -1, 0)
    places = np.stack([fy + a / 500, fy, fy - b / 200], axis=-1).astype(np.float64)
    shares = np.where(places > 6 / 29, places**3, (116 * places - 16) * 27 / 24389)
    linear = shares * D65 @ np.linalg.inv(color.colorconv.xyz_from_rgb).T
    return lab_from_rgb(srgb_from_linear(linear).astype(np.float32))[..., 1:]


def assert_adapted(found: Float, theirs: Float, L: Float) -> None:
    """The authors' ab, which vary, under D50 instead of D65: no more off than 16-bit weights make it."""
    error = np.abs(found - d50_from_d65(L, theirs)).mean()
    assert theirs.std(axis=(0, 1)).min() > 1
    assert error < FAITHFUL
    assert error < np.abs(found - theirs).mean() / 4


def test_the_same_colours_under_d65_and_under_d50() -> None:
    rgb = np.random.default_rng(0).random((3, 40, 50, 3), np.float32)
    wanted, before = lab_from_rgb(rgb)[..., 1:], color.rgb2lab(rgb)
    adapt = D50FromD65()
    for one, lab in zip(wanted, before, strict=True):
        L, ab = torch.from_numpy(lab[..., 0])[None, None], torch.from_numpy(lab[..., 1:]).permute(2, 0, 1)[None]
        found = adapt(L, ab)[0].permute(1, 2, 0).numpy()
        assert np.linalg.norm(found - one, axis=-1).max() < 0.02
        moved = np.linalg.norm(lab[..., 1:] - one, axis=-1)
        assert 3 < moved.mean() < 4  # the white point is no trifle
        assert moved.max() < 12.5


def test_several_answers_for_one_lightness_are_adapted_each() -> None:
    L, ab = torch.rand(1, 1, 6, 7) * 100, torch.rand(3, 2, 6, 7) * 200 - 100
    together = D50FromD65()(L, ab)
    assert together.shape == (3, 2, 6, 7)
    for one, alone in zip(together, ab, strict=True):
        assert torch.allclose(one, D50FromD65()(L, alone[None])[0], atol=1e-4)


def test_neutral_stays_neutral_and_no_bin_leaves_the_plane_at_any_lightness() -> None:
    L = torch.linspace(0, 100, 101).reshape(1, 1, 1, 101)
    assert D50FromD65()(L, torch.zeros(2, 2, 1, 101)).abs().max() < 1e-3
    bins = torch.from_numpy(bin_centers())[:, :, None, None].expand(-1, -1, 1, 101)
    adapted = D50FromD65()(L, bins)
    assert adapted.abs().max() < 130
    assert (adapted - bins).norm(dim=1).max() < 45  # the deepest blues, of which there are none so dark


def test_the_eccv_layers_have_the_published_names_and_shapes() -> None:
    first = _normalised("model1", [(64, 1), (64, 64)], 64)
    others = {**_shared(), **_with_biases(ECCV), **_with_biases({"model8.6": (313, 256, 1, 1)})}
    assert _shapes(Zhang2016) == {**first, **others}


def test_the_siggraph_layers_have_the_published_names_and_shapes() -> None:
    first = _normalised("model1", [(64, 4), (64, 64)], 64)
    assert _shapes(Siggraph17) == {**first, **_shared(), **_with_biases(SIGGRAPH)}


def _shapes(network: type[nn.Module]) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = network().state_dict()
    return {name: tuple(weight.shape) for name, weight in state.items() if weight.ndim}


def _shared() -> dict[str, tuple[int, ...]]:
    return {name: shape for block, layers in SHARED.items() for name, shape in _normalised(block, *layers).items()}


def _normalised(block: str, convolutions: list[tuple[int, int]], channels: int) -> dict[str, tuple[int, ...]]:
    shapes = {f"{block}.{2 * place}": (*pair, 3, 3) for place, pair in enumerate(convolutions)}
    return _with_biases({**shapes, f"{block}.{2 * len(convolutions)}": (channels,)})


def _with_biases(shapes: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    whole: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        channels = (shape[1] if name in {"model8.0"} or "up." in name else shape[0],)
        whole |= {f"{name}.weight": shape, f"{name}.bias": channels}
        if len(shape) == 1:
            whole |= {f"{name}.running_mean": channels, f"{name}.running_var": channels}
    return whole


def test_an_imported_zhang_answers_as_the_network_with_the_bins_of_its_file(
    folder: Path, published: dict[str, State]
) -> None:
    state, L = dict(published["zhang2016-published"]), photograph()
    centers = 110 * state.pop("model_out.weight")[:, :, 0, 0].numpy()
    network = Zhang2016(WIDTH)
    network.load_state_dict(state)
    with torch.no_grad():
        scores = network.eval()(torch.from_numpy(L)[None, None])[0]
    small = L.reshape(18, 4, 26, 4).mean(axis=(1, 3))
    found = Session(model_of(folder, "zhang2016-published"), "cpu").run(L, TEMPERATURES)
    for temperature, ab in zip(TEMPERATURES, found, strict=True):
        theirs = np.einsum("qhw,cq->hwc", torch.softmax(scores / temperature, dim=0).numpy(), centers)
        assert_adapted(ab, theirs, small)


def test_an_imported_siggraph_answers_as_the_network_whatever_the_temperature(
    folder: Path, published: dict[str, State]
) -> None:
    state, L = published["siggraph17-published"], photograph()
    network = Siggraph17(WIDTH)
    network.load_state_dict({name: weight for name, weight in state.items() if "model_class" not in name})
    with torch.no_grad():
        theirs = network.eval()(torch.from_numpy(L)[None, None])[0].permute(1, 2, 0).numpy()
    found = Session(model_of(folder, "siggraph17-published"), "cpu").run(L, TEMPERATURES)
    assert np.array_equal(found[0], found[1])
    assert_adapted(found[0], theirs, L)


@pytest.mark.parametrize("name", NAMES)
def test_an_imported_model_colours_a_photograph(folder: Path, name: str) -> None:
    pixels = cv2.resize(data.astronaut(), (120, 90), interpolation=cv2.INTER_AREA)
    before = lab_from_rgb(pixels.astype(np.float32) / np.float32(255))
    Colorizer(folder).colorize(pixels, Options(model=name), lambda _fraction, _text: None)
    after = lab_from_rgb(pixels.astype(np.float32) / np.float32(255))
    assert np.abs(after[..., 0] - before[..., 0]).mean() < 0.3
    assert after[..., 1:].std(axis=(0, 1)).max() > 1


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("zhang2016-published", "classification", 1.0),
        ("siggraph17-published", "regression", None),
    ],
)
def test_the_manifest_and_the_file_say_whose_weights_they_are(
    folder: Path, name: str, kind: str, default: float | None
) -> None:
    model = model_of(folder, name)
    assert (model.kind, model.group, model.default_temperature) == (kind, "papers", default)
    assert model.framing == AnySize(short_side=256, multiple=8)
    entries = {one["id"]: one for one in json.loads((folder / "manifest.json").read_text())["models"]}
    properties = {one.key: json.loads(one.value) for one in onnx.load(model.file).metadata_props}
    for facts in (entries[name], properties):
        assert facts["licence"] == "BSD-2-Clause"
        assert "ImageNet" in facts["trained_on"]
        assert "its authors' weights" in facts["description"]


def refused(file: Path, words: str) -> None:
    """The sentence, and nothing written."""
    models = file.parent / "models"
    with pytest.raises(ColorizeError, match=words) as caught:
        import_zhang.main([str(file), "--models", str(models)])
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert not models.exists()


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    refused(tmp_path / "siggraph17-df00044c.pth", "There is no .*: name colorization_release_v2-9b330a0b.pth or")


def test_a_folder_in_the_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "siggraph17-df00044c.pth").mkdir()
    refused(tmp_path / "siggraph17-df00044c.pth", "cannot be read")


def test_a_name_without_the_digits_of_its_hash_is_a_sentence(tmp_path: Path) -> None:
    file = saved({}, tmp_path, "siggraph17").rename(tmp_path / "siggraph17.pth")
    refused(file, "call it colorization_release_v2-9b330a0b.pth or siggraph17-df00044c.pth again")


def test_a_file_cut_short_is_a_sentence(tmp_path: Path, published: dict[str, State]) -> None:
    file = saved(published["siggraph17-published"], tmp_path, "siggraph17")
    file.write_bytes(file.read_bytes()[:-1000])
    refused(file, "is damaged, for its hash begins with [0-9a-f]{8}: download it again")


def test_a_file_of_something_else_is_a_sentence(tmp_path: Path) -> None:
    refused(named(b"<html>Not found</html>", tmp_path, "siggraph17"), "cannot be read as weights alone")
    refused(saved([torch.rand(3)], tmp_path, "siggraph17"), "something else than weights by name")
    refused(saved({"epoch": 3}, tmp_path, "siggraph17"), "something else than weights by name")


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "touched",)

    refused(saved({"model1.0.weight": Touch()}, tmp_path, "siggraph17"), "cannot be read as weights alone")
    assert not (tmp_path / "touched").exists()


def test_the_weights_of_another_network_are_a_sentence(tmp_path: Path) -> None:
    refused(saved({"features.0.weight": torch.rand(3)}, tmp_path, "siggraph17"), "weights of another network")


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_too_few_too_many_or_of_another_shape_is_a_sentence(
    tmp_path: Path, published: dict[str, State], name: str
) -> None:
    whole = published[name]
    fewer = {layer: weight for layer, weight in whole.items() if layer != "model3.2.bias"}
    refused(saved(fewer, tmp_path, NAMES[name]), "The layer model3.2.bias is missing")
    refused(saved({**whole, "model11.0.bias": torch.rand(2)}, tmp_path, NAMES[name]), "model11.0.bias is not this")
    wide = {**whole, "model4.2.weight": torch.rand(9, 32, 3, 3)}
    refused(saved(wide, tmp_path, NAMES[name]), "model4.2.weight is 9 x 32 x 3 x 3, not 32 x 32 x 3 x 3")


def test_bins_of_another_number_are_a_sentence(tmp_path: Path, published: dict[str, State]) -> None:
    other = {**published["zhang2016-published"], "model_out.weight": torch.rand(2, 300, 1, 1)}
    refused(saved(other, tmp_path, "colorization_release_v2"), "is 2 x 300 x 1 x 1, not 2 x 313 x 1 x 1")


def test_a_file_without_its_first_layer_is_a_sentence(tmp_path: Path) -> None:
    refused(saved({"model_out.weight": torch.rand(2, 313, 1, 1)}, tmp_path, "siggraph17"), "model1.0.weight is missing")
