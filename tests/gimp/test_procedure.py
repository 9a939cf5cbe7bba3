"""The procedure as other plug-ins call it, in real GIMPs: what becomes of the image."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from colorize_neural.worker.color import lab_from_rgb
from numpy.typing import NDArray

from tests.gimp.gimps import Gimp, Photo, Pixels, State

LCH_COLOR, NORMAL = 26, 28
PHOTOS = {
    "grey, 8 bit": Photo(base="GRAY"),
    "grey, 16 bit, alpha": Photo(base="GRAY", precision="U16_NON_LINEAR", alpha=True),
    "grey, linear float": Photo(base="GRAY", precision="FLOAT_LINEAR"),
    "8 bit": Photo(),
    "8 bit, linear": Photo(precision="U8_LINEAR"),
    "16 bit, alpha": Photo(precision="U16_NON_LINEAR", alpha=True),
    "half, alpha": Photo(precision="HALF_LINEAR", alpha=True),
}
SELECTION = (17, 0, 20, 60)  # on the canvas; the layer begins at (7, 11)
SELECTED = slice(10, 30)  # columns of the layer
OUTSIDE = np.r_[0:10, 30:60]


@pytest.fixture(params=PHOTOS)
def photo(request: pytest.FixtureRequest) -> Photo:
    return PHOTOS[request.param]


def difference_in_lightness(one: Pixels, other: Pixels) -> float:
    lightness, expected = (lab_from_rgb(pixels[..., :3])[..., 0] for pixels in (one, other))
    return float(np.abs(lightness - expected).mean())


def tolerance(photo: Photo) -> float:
    """How far L may be off on average."""
    return 0.3 if photo.precision.startswith("U8") else 0.01


def chroma(pixels: Pixels) -> float:
    return float(np.hypot(*np.moveaxis(lab_from_rgb(pixels[..., :3])[..., 1:], -1, 0)).mean())


def on_canvas(state: State, columns: slice | NDArray[Any]) -> Pixels:
    """The part of what is visible where the layer lies, those columns of it."""
    return state.visible[11:51, 7:67][:, columns]


def test_the_procedure_is_in_the_colors_menu_with_the_promised_arguments(gimp: Gimp) -> None:
    told = gimp.ask("registration")
    assert told["menu"] == ["<Image>/Colors"]
    assert told["label"].replace("_", "") == "Colorize (neural)…"
    assert told["defaults"] == {
        "model": "orange",
        "temperature": 0.0,
        "strength": 1.0,
        "warmth": 0.0,
        "edge-guidance": True,
        "equalize": False,
        "output": "color-layer",
        "device": "auto",
    }
    assert told["ranges"] == {"temperature": (0.0, 1.0), "strength": (0.0, 2.0), "warmth": (-1.0, 1.0)}
    assert told["choices"] == {
        "model": ["orange", "grey", "thermometer", "hours"],  # recommended ones first
        "output": ["color-layer", "layer", "replace"],
        "device": ["auto", "cpu", "gpu"],
    }


def test_replace_colours_the_layer_and_keeps_its_lightness_alpha_place_and_precision(gimp: Gimp, photo: Photo) -> None:
    with gimp.image(photo) as image:
        before = image.state()
        assert image.colorize(output="replace")[0] == "success"
        after = image.state()
    (old,), (new,) = before.layers, after.layers
    assert chroma(new.pixels) > 15
    assert difference_in_lightness(new.pixels, old.pixels) < tolerance(photo)
    assert np.array_equal(new.pixels[..., 3], old.pixels[..., 3])
    assert replace(new, pixels=old.pixels) == old
    assert (after.base, after.precision) == ("rgb", before.precision)


def test_replace_leaves_what_is_not_selected_untouched(gimp: Gimp, photo: Photo) -> None:
    with gimp.image(replace(photo, selection=SELECTION)) as image:
        (old,) = image.state().layers
        assert image.colorize(output="replace")[0] == "success"
        after = image.state()
    (new,) = after.layers
    assert chroma(new.pixels[:, SELECTED]) > 15
    assert np.allclose(new.pixels[:, OUTSIDE], old.pixels[:, OUTSIDE], atol=1e-6)
    assert after.selected


@pytest.mark.parametrize("output", ["layer", "color-layer"])
def test_a_new_layer_lies_on_the_photograph_which_stays_as_it_was(gimp: Gimp, photo: Photo, output: str) -> None:
    with gimp.image(photo) as image:
        before = image.state()
        assert image.colorize(output=output)[0] == "success"
        after = image.state()
    (old,), (new, kept) = before.layers, after.layers
    assert kept.name == old.name and np.allclose(kept.pixels, old.pixels, atol=1e-6)
    assert (new.name, new.mode) == ("Orange", LCH_COLOR if output == "color-layer" else NORMAL)
    assert (new.offsets, new.size, new.alpha) == (old.offsets, old.size, old.alpha)
    assert not new.mask
    assert chroma(on_canvas(after, slice(None))) > 15
    assert difference_in_lightness(on_canvas(after, slice(None)), on_canvas(before, slice(None))) < tolerance(photo)


@pytest.mark.parametrize("output", ["layer", "color-layer"])
def test_a_new_layer_shows_where_something_is_selected_only(gimp: Gimp, photo: Photo, output: str) -> None:
    with gimp.image(replace(photo, selection=SELECTION)) as image:
        before = image.state()
        assert image.colorize(output=output)[0] == "success"
        after = image.state()
    assert after.layers[0].mask
    assert chroma(on_canvas(after, SELECTED)) > 15
    assert np.allclose(on_canvas(after, OUTSIDE), on_canvas(before, OUTSIDE), atol=1e-6)


def test_a_model_without_colours_leaves_every_grey_as_it_was(gimp: Gimp) -> None:
    """Value for value; what GIMP tells in floating point is rounded, for it has no single way there from a grey."""
    for base, (precision, limit) in itertools.product(
        ("GRAY", "RGB"), (("U8_NON_LINEAR", 255), ("U16_NON_LINEAR", 65535))
    ):
        with gimp.image(Photo(base=base, precision=precision)) as image:
            before = image.state()
            assert image.colorize(output="replace", model="grey")[0] == "success"
            after = image.state()
        old, new = (np.rint(state.layers[0].pixels * limit) for state in (before, after))
        assert np.array_equal(old, new)


def test_a_model_without_colours_keeps_the_greys_of_another_profile(gimp: Gimp) -> None:
    """But for what is lost on the way from 8 bits of that profile to floating point and back: a step, and seldom."""
    with gimp.image(Photo(profile="new_rgb_adobe", size=(40_000, 1))) as image:  # a ramp that meets all 256 greys
        before = image.state()
        assert image.colorize(output="replace", model="grey")[0] == "success"
        after = image.state()
    greys = before.layers[0].pixels
    assert np.count_nonzero(np.diff(greys[0, :, 0]) > 1e-5) == 255
    steps = np.abs(after.layers[0].pixels ** (1 / 2.2) - greys ** (1 / 2.2)).max(axis=2) * 255
    assert steps.max() < 1.1
    assert np.mean(steps > 0.1) < 0.02


def test_the_new_layer_of_a_layer_in_a_group_is_in_that_group(gimp: Gimp) -> None:
    with gimp.image(Photo()) as image:
        image.do("arrange", what="in a group")
        assert image.colorize()[0] == "success"
        group, new, photo = image.state().layers
    assert [new.name, photo.name] == ["Orange", "photo"]
    assert new.parent == photo.parent == group.name


def test_a_temperature_left_alone_is_the_models_own_and_others_reach_it(gimp: Gimp) -> None:
    def warmth(**arguments: object) -> float:
        with gimp.image(Photo()) as image:
            assert image.colorize(output="replace", model="thermometer", **arguments)[0] == "success"
            return chroma(image.state().layers[0].pixels)

    assert warmth(temperature=0.1) < warmth() < warmth(temperature=0.6)


def test_strength_multiplies_the_chroma(gimp: Gimp) -> None:
    with gimp.image(Photo()) as image:
        assert image.colorize(output="replace", strength=0.0)[0] == "success"
        assert chroma(image.state().layers[0].pixels) < 0.01


def test_a_layer_of_one_pixel_is_coloured_too(gimp: Gimp) -> None:
    with gimp.image(Photo(size=(1, 1))) as image:
        assert image.colorize(output="replace")[0] == "success"


@pytest.mark.parametrize(("run_mode", "told"), [("NONINTERACTIVE", 0), ("WITH_LAST_VALS", 3)])
def test_a_batch_plug_in_that_knows_only_the_argument_types_colours_layer_by_layer(
    gimp: Gimp, run_mode: str, told: int
) -> None:
    log = gimp.plugin.parents[1] / "gimp.log"
    before = log.read_text().count("Ran on the CPU.")
    with gimp.image(Photo()) as image:
        image.do("aim_at", what="copies")
        done = image.do("colorize_in_a_batch", run_mode=run_mode)
        layers = image.state().layers
    assert log.read_text().count("Ran on the CPU.") - before == told  # a call without a user tells nobody
    assert done == [("success", ["Orange"]), ("success", ["Orange #1"]), ("success", ["Orange #2"])]
    assert [layer.name for layer in layers] == [
        "Orange",
        "group",
        "photo copy #1",
        "Orange #1",
        "photo copy",
        "Orange #2",
        "photo",
    ]


def test_a_batch_plug_in_that_replaces_finds_the_colours_in_the_layer_that_it_has_in_work(gimp: Gimp) -> None:
    with gimp.image(Photo(base="GRAY")) as image:
        assert image.do("colorize_in_a_batch", run_mode="NONINTERACTIVE", output="replace") == [("success", ["photo"])]
        (layer,) = image.state().layers
    assert layer.name == "photo" and chroma(layer.pixels) > 15


def test_batch_plug_ins_which_show_nothing_but_blurbs_can_name_each_argument(gimp: Gimp) -> None:
    blurbs = gimp.ask("registration")["blurbs"]
    assert all(blurbs[name].lower().startswith(f"{name.replace('-', ' ')}: ") for name in blurbs)
