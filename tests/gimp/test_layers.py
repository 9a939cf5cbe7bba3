"""Everything a layer can be, in real GIMPs; a new layer on the photograph and `replace` look alike."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

import numpy as np
import pytest
from colorize_neural import settings
from colorize_neural.worker.color import lab_from_rgb, linear_from_srgb

from tests.gimp.desk import Desk, eventually
from tests.gimp.gimps import Gimp, Image, LayerState, Photo, Pixels, State, of_sample
from tests.icc import lut_profile

SAMPLES = ("buffalo-1908.jpg", "louis-armstrong-1946.jpg", "migrant-mother-1936.jpg")
PRECISIONS = [
    f"{bits}_{curve}"
    for bits in ("U8", "U16", "U32", "HALF", "FLOAT", "DOUBLE")
    for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
]
NEW_LAYERS = ("color-layer", "layer")
LIKE = ("color-layer", "replace")
LIMITS = {1: 3.01, 2: 0.5, 3: 0.05, 5: 0.5, 6: 0.05, 7: 0.05}  # steps of 8 bits, by the hundreds of Gimp.Precision
SELECTION = (17, 0, 20, 60)  # on the canvas; the layer begins at (7, 11)


def coloured(gimp: Gimp, photo: Photo, *arrangements: str, **options: object) -> State:
    """What the photo becomes."""
    with gimp.image(photo) as image:
        return coloured_image(image, *arrangements, **options)


def coloured_image(image: Image, *arrangements: str, **options: object) -> State:
    for what in arrangements:
        image.do("arrange", what=what)
    assert image.colorize(**options) == ("success", "success")
    return image.state()


def check_alike(one: State, other: State) -> None:
    """At 8 bits within 1 step on 95 % of the pixels and 3 everywhere; above, within a fraction of such a step."""
    steps = steps_between(one, other)
    assert steps.max() < LIMITS[one.precision // 100]
    assert np.mean(steps < 1.01) >= 0.95


def steps_between(one: State, other: State) -> Pixels:
    return np.abs(in_steps(one) - in_steps(other)).max(axis=2)


def in_steps(state: State) -> Pixels:
    """What is visible in 255ths of the image's own samples, which are linear light for some; 0 where alpha is."""
    rgb, alpha = state.visible[..., :3], state.visible[..., 3:]
    return 255 * np.dstack([(linear_from_srgb(rgb) if state.precision in (100, 500) else rgb) * alpha, alpha])


def chroma(pixels: Pixels) -> float:
    """The mean chroma of what is not transparent."""
    return float(np.hypot(*np.moveaxis(lab_from_rgb(pixels[pixels[..., 3] > 0, :3])[..., 1:], -1, 0)).mean())


@pytest.mark.parametrize("strength", [1.0, 2.0])
@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "FLOAT_NON_LINEAR"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_a_photograph_under_its_colour_layer_looks_like_replace(
    gimp: Gimp, shipped: Path, sample: str, precision: str, strength: float
) -> None:
    photo = of_sample(sample, precision)
    with gimp.told(models=shipped):
        under, replaced = (coloured(gimp, photo, output=wanted, strength=strength) for wanted in LIKE)
    assert chroma(replaced.visible) > 4
    check_alike(under, replaced)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_is_coloured_alike_by_a_colour_layer_and_by_replace(gimp: Gimp, precision: str) -> None:
    under, replaced = (coloured(gimp, Photo(precision=precision), output=wanted) for wanted in LIKE)
    assert chroma(replaced.visible) > 15
    check_alike(under, replaced)


@pytest.mark.parametrize("output", NEW_LAYERS)
@pytest.mark.parametrize(
    ("arrangements", "selection"),
    [
        (["masked"], None),
        (["masked"], SELECTION),
        (["in a masked group"], None),
        (["hidden", "on white"], None),
        (["masked", "on white"], SELECTION),
    ],
)
def test_a_new_layer_shows_no_more_than_the_photograph_does(
    gimp: Gimp, arrangements: list[str], selection: tuple[int, int, int, int] | None, output: str
) -> None:
    photo = Photo(selection=selection)
    new, replaced = (coloured(gimp, photo, *arrangements, output=wanted) for wanted in (output, "replace"))
    check_alike(new, replaced)


@pytest.mark.parametrize("output", NEW_LAYERS)
@pytest.mark.parametrize("offsets", [(-20, -15), (50, 30), (100, 100)])
def test_a_layer_may_lie_outside_the_canvas(gimp: Gimp, offsets: tuple[int, int], output: str) -> None:
    photo = Photo(offsets=offsets)
    new, replaced = (coloured(gimp, photo, output=wanted) for wanted in (output, "replace"))
    assert [layer.offsets for layer in new.layers] == [offsets, offsets]
    assert chroma(replaced.layers[0].pixels) > 15
    check_alike(new, replaced)


@pytest.mark.parametrize(
    "what", ["masked", "with its alpha locked", "with its place locked", "half opaque", "hidden", "empty", "in a group"]
)
def test_replace_changes_nothing_but_the_colours(gimp: Gimp, what: str) -> None:
    with gimp.image(Photo(alpha=True)) as image:
        image.do("arrange", what=what)
        before = image.state()
        after = coloured_image(image, output="replace")
    old, new = before.layers[-1], after.layers[-1]
    assert what == "empty" or chroma(new.pixels) > 15
    assert np.array_equal(new.pixels[..., 3], old.pixels[..., 3])
    assert replace(new, pixels=old.pixels) == old
    assert len(after.layers) == len(before.layers)


@pytest.mark.parametrize("output", NEW_LAYERS)
def test_a_new_layer_has_the_alpha_and_the_opacity_of_the_photograph(gimp: Gimp, output: str) -> None:
    new, photo = coloured(gimp, Photo(alpha=True), "half opaque", output=output).layers
    assert new.opacity == photo.opacity == 50
    assert np.array_equal(new.pixels[..., 3], photo.pixels[..., 3])


@pytest.mark.parametrize("below", [[], ["on white"]])
def test_under_a_colour_layer_what_is_partly_transparent_has_its_lightness_and_other_colourfulness(
    gimp: Gimp, below: list[str]
) -> None:
    photo = Photo(alpha=True, precision="FLOAT_NON_LINEAR")
    under, replaced = (coloured(gimp, photo, "half opaque", *below, output=wanted) for wanted in LIKE)
    lab_under, lab_replaced = (lab_from_rgb(state.visible[11:51, 7:67, :3]) for state in (under, replaced))
    assert np.abs(lab_under - lab_replaced)[..., 0].max() < 0.1
    chromas = [np.hypot(lab[..., 1], lab[..., 2]).mean(axis=1) for lab in (lab_under, lab_replaced)]
    if below:
        assert np.all(chromas[0] > chromas[1])
    else:
        assert np.all(chromas[0] < 0.5 * photo.pixels()[:, 0, 3] * chromas[1])


def test_curves_of_the_photograph_below_a_colour_layer_change_its_lightness_alone(gimp: Gimp) -> None:
    with gimp.image(Photo(precision="FLOAT_NON_LINEAR")) as image:
        before = coloured_image(image)
        image.do("arrange", what="brightened below")
        after = image.state()
    with gimp.image(Photo(precision="FLOAT_NON_LINEAR")) as image:
        image.do("arrange", what="brightened below")
        brightened = image.state()
    old, new, expected = (lab_from_rgb(state.visible[11:51, 7:67, :3]) for state in (before, after, brightened))
    assert (new - old)[..., 0].mean() > 10
    assert np.abs(new - expected)[..., 0].max() < 0.1
    assert np.abs(new - old)[..., 1:].max() < 0.1


@pytest.mark.parametrize("output", NEW_LAYERS)
def test_an_empty_layer_stays_empty(gimp: Gimp, output: str) -> None:
    state = coloured(gimp, Photo(alpha=True), "empty", output=output)
    assert len(state.layers) == 2
    assert not state.visible[..., 3].any()


@pytest.mark.parametrize("output", NEW_LAYERS)
def test_a_layer_of_one_pixel_gets_a_layer_of_one_pixel(gimp: Gimp, output: str) -> None:
    new, _ = coloured(gimp, Photo(size=(1, 1)), output=output).layers
    assert (new.size, new.offsets) == ((1, 1), (7, 11))


@pytest.mark.parametrize("what", ["group", "group that its layers pass through"])
@pytest.mark.parametrize("output", NEW_LAYERS)
def test_a_group_gets_its_layer_above_it(gimp: Gimp, output: str, what: str) -> None:
    with gimp.image(Photo()) as image:
        image.do("aim_at", what=what)
        grouped = coloured_image(image, output=output)
    new, group, photo = grouped.layers
    assert (new.name, group.name, photo.name) == ("Orange", "group", "photo")
    assert (new.parent, photo.parent) == (None, "group")
    assert (new.offsets, new.size) == (group.offsets, group.size)
    check_alike(grouped, coloured(gimp, Photo(), output="replace"))


@pytest.mark.parametrize("output", [*NEW_LAYERS, "replace"])
@pytest.mark.parametrize("what", ["text", "link", "vector layer"])
def test_what_draws_itself_is_coloured_too(gimp: Gimp, gimp_version: str, what: str, output: str) -> None:
    if what != "text" and gimp_version == "3.0":
        return  # it has no such layers
    with gimp.image(Photo()) as image:
        image.do("aim_at", what=what)
        state = coloured_image(image, output=output)
    assert len(state.layers) == (2 if output == "replace" else 3)
    assert chroma(state.layers[0].pixels) > 15


@pytest.mark.parametrize("what", ["turned to its negative by a filter", "in the shadow of a filter"])
def test_the_network_sees_a_layer_as_its_filters_show_it(gimp: Gimp, what: str) -> None:
    with gimp.image(Photo()) as image:
        image.do("arrange", what=what)
        seen = image.state().visible[11:51, 7:67]
        new = coloured_image(image, output="layer", model="grey").layers[0]
    assert np.abs(new.pixels - seen).max() < 1.01 / 255


@pytest.mark.parametrize("profile", ["new_rgb_adobe", "ProPhoto"])
@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"])
def test_an_image_of_another_profile_is_coloured_as_if_gimp_had_first_made_it_srgb(
    gimp: Gimp, profile: str, precision: str
) -> None:
    photo = Photo(profile=profile, precision=precision)
    with gimp.image(photo) as image:
        image.do("convert_to_srgb")
        converted = coloured_image(image, output="replace")
    under, replaced = (coloured(gimp, photo, output=wanted) for wanted in LIKE)
    assert chroma(replaced.visible) > 15
    assert steps_between(replaced, converted).max() < LIMITS[converted.precision // 100]
    check_alike(under, replaced)


@pytest.mark.parametrize("profile", ["new_d65_gray_linear", "new_d50_gray_lab_trc"])
def test_a_grey_image_of_another_profile_keeps_its_lightness(gimp: Gimp, profile: str) -> None:
    photo = Photo(base="GRAY", profile=profile, precision="U16_NON_LINEAR")
    with gimp.image(photo) as image:
        before = image.state()
    under, replaced = (coloured(gimp, photo, output=wanted) for wanted in LIKE)
    grey, new = (lab_from_rgb(state.visible[11:51, 7:67, :3]) for state in (before, replaced))
    assert np.ptp(grey[..., 0]) > 95 and chroma(replaced.visible) > 15
    assert np.abs(new - grey)[..., 0].max() < 0.1
    check_alike(under, replaced)


def test_an_image_whose_profile_is_a_table_gets_the_numbers_that_it_would_get_in_srgb(
    gimp: Gimp, tmp_path: Path
) -> None:
    """GIMP itself computes so with them; shown through the table, the lightness is off by less than one."""
    (tmp_path / "table.icc").write_bytes(lut_profile())
    tabled = Photo(precision="FLOAT_NON_LINEAR", profile=str(tmp_path / "table.icc"))
    with gimp.image(tabled) as image:
        image.do("convert_to_srgb")
        grey = image.state()
    for output in LIKE:
        with gimp.image(tabled) as image:
            numbers = coloured_image(image, output=output)
            image.do("convert_to_srgb")
            shown = image.state()
        plain = coloured(gimp, replace(tabled, profile=None), output=output)
        assert np.abs(numbers.layers[0].pixels - plain.layers[0].pixels).max() < 1e-3
        if output == "replace":
            off = lab_from_rgb(shown.visible[..., :3])[..., 0] - lab_from_rgb(grey.visible[..., :3])[..., 0]
            assert chroma(shown.visible) > 15 and np.abs(off).max() < 1


@pytest.fixture
def counted(gimp: Gimp, tmp_path: Path) -> Iterator[Path]:
    """A file to which each start of a worker adds a line."""
    starts, python = tmp_path / "starts", tmp_path / "python"
    usual = settings.read(gimp.plugin).python
    python.write_text(f'#!/bin/sh\necho started >> {quote(str(starts))}\nexec {quote(str(usual))} "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    with gimp.told(python=python):
        yield starts


def names(layers: list[LayerState]) -> list[str]:
    return [layer.name for layer in layers]


@pytest.mark.parametrize("output", NEW_LAYERS)
@pytest.mark.parametrize("again", ["uppermost", "photo"])
def test_who_tries_once_more_colours_the_photograph_again_above_what_was_tried(
    gimp: Gimp, output: str, again: str
) -> None:
    with gimp.image(Photo()) as image:
        coloured_image(image, output=output, strength=2.0)
        if again == "uppermost":
            image.do("aim_at", what=again)
        state = coloured_image(image, output=output, strength=0.5)
    assert names(state.layers) == ["Orange #1", "Orange", "photo"]
    with gimp.image(Photo()) as image:
        once = coloured_image(image, output=output, strength=0.5)
    assert np.abs(state.visible - once.visible).max() < 0.01


def test_colours_in_a_copy_of_their_image_belong_to_the_photograph_there(gimp: Gimp) -> None:
    with gimp.image(Photo()) as image:
        before = coloured_image(image, output="layer")
        image.do("duplicate")
        image.do("aim_at", what="uppermost")
        after = coloured_image(image, output="replace")
    assert names(after.layers) == ["Orange", "photo"]
    assert np.array_equal(after.layers[0].pixels, before.layers[0].pixels)
    assert chroma(after.layers[1].pixels) > 15 > chroma(before.layers[1].pixels)


def test_colours_in_another_image_belong_to_no_photograph_there(gimp: Gimp) -> None:
    with gimp.image(Photo()) as image, gimp.image(Photo()) as other:
        coloured_image(image, output="layer")
        before = other.state()
        other.do("aim_at", what="colours of another image")
        assert other.colorize(output="replace", strength=0.0) == ("success", "success")
        after = other.state()
    assert names(after.layers)[1:] == ["photo"]
    assert np.array_equal(after.layers[1].pixels, before.layers[0].pixels)
    assert chroma(after.layers[0].pixels) < 1


@pytest.mark.parametrize("output", NEW_LAYERS)
def test_several_layers_each_get_their_own_from_one_worker(gimp: Gimp, counted: Path, output: str) -> None:
    with gimp.image(Photo()) as image:
        image.do("aim_at", what="copies")
        state = coloured_image(image, output=output)
    photos = ["photo copy #1", "photo copy", "photo"]
    assert names(state.layers)[0] == "group" and names(state.layers)[2::2] == photos
    assert [layer.name.split(" #")[0] for layer in state.layers[1::2]] == ["Orange"] * 3
    assert [layer.parent for layer in state.layers] == [None, "group", "group", None, None, None, None]
    assert sorted(state.selected_layers) == sorted(names(state.layers)[1::2])
    assert counted.read_text() == "started\n"


def test_replace_colours_several_layers(gimp: Gimp, counted: Path) -> None:
    with gimp.image(Photo()) as image:
        image.do("aim_at", what="copies")
        group, *photos = coloured_image(image, output="replace").layers
    assert group.name == "group" and len(photos) == 3
    assert all(chroma(photo.pixels) > 15 for photo in photos)
    assert counted.read_text() == "started\n"


@pytest.mark.parametrize("output", [*NEW_LAYERS, "replace"])
def test_several_layers_are_one_step_to_undo(desk: Desk, output: str) -> None:
    with desk.window(Photo(base="GRAY", selection=SELECTION)) as (image, window):
        image.do("arrange", what="masked")
        image.do("aim_at", what="copies")
        before = image.state()
        after = coloured_image(image, output=output)
        assert after.base == "rgb"
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.state().base == "gray")
        assert image.state().same_as(before)
