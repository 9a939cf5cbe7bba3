"""What cannot work, in real GIMPs: one sentence with a next step, and an image that is as it was."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from colorize_neural.settings import Settings

from tests.gimp.gimps import STRANGE, Gimp, Photo, make_profile, running
from tests.pixel_files import lasting_pixel_files
from tests.tiny_models import make_models

GREY = Photo(base="GRAY")
FLOATING = "There is a floating selection: please anchor it or make it a new layer in the Layers dialog first."
LOCKED = 'The pixels of "{}" are locked: please unlock them in the Layers dialog, or choose another output.'


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        ("mask", '"photo mask" is a layer mask, which has no colours: please click on the layer itself.'),
        ("channel", '"channel" is a channel, which has no colours: please select a layer.'),
        ("empty group", 'The group "group" is empty: please select a layer.'),
        ("none", "No layer is selected: please select the layers to colour."),
        ("of another image", '"photo" is no layer of this image: please select layers of one image.'),
        ("in no image", '"photo copy" is no layer of this image: please select layers of one image.'),
        ("floating selection", FLOATING),
        ("beside it", FLOATING),
    ],
)
def test_what_cannot_be_coloured_is_a_sentence(gimp: Gimp, aim: str, said: str) -> None:
    with gimp.image(Photo()), gimp.image(Photo()) as image:
        image.do("aim_at", what=aim)
        before = image.state()
        assert image.colorize() == ("calling-error", said)
        assert image.state().same_as(before)


@pytest.mark.parametrize(
    ("aim", "said"),
    [
        (
            "group",
            '"group" is a group, which has no pixels of its own: '
            "please select the layers in it, or choose another output.",
        ),
        ("one locked", LOCKED.format("photo copy")),
    ],
)
def test_what_cannot_be_replaced_is_a_sentence_before_anything_is_touched(gimp: Gimp, aim: str, said: str) -> None:
    with gimp.image(GREY) as image:
        image.do("aim_at", what=aim)
        before = image.state()
        assert image.colorize(output="replace") == ("calling-error", said)
        assert image.state().same_as(before)


def test_an_indexed_image_is_a_sentence(gimp: Gimp) -> None:
    with gimp.image(Photo()) as image:
        image.do("make_indexed")
        before = image.state()
        said = "This image has indexed colours: please choose Image > Mode > RGB first."
        assert image.colorize() == ("calling-error", said)
        assert image.state().same_as(before)


def test_a_selection_beside_the_layer_is_a_sentence(gimp: Gimp) -> None:
    with gimp.image(Photo(selection=(0, 0, 5, 5))) as image:
        before = image.state()
        status, said = image.colorize()
        assert status == "calling-error" and said.startswith('The selection lies outside "photo": please')
        assert image.state().same_as(before)


@pytest.mark.parametrize(("what", "named"), [("locked", "photo"), ("in a locked group", "group")])
def test_replacing_locked_pixels_is_a_sentence_and_a_new_layer_is_not(gimp: Gimp, what: str, named: str) -> None:
    with gimp.image(GREY) as image:
        image.do("arrange", what=what)
        before = image.state()
        assert image.colorize(output="replace") == ("calling-error", LOCKED.format(named))
        assert image.state().same_as(before)
        assert image.colorize(output="layer")[0] == "success"
        assert len(image.state().layers) == len(before.layers) + 1


def test_a_missing_python_is_a_sentence(gimp: Gimp, tmp_path: Path) -> None:
    with gimp.image(GREY) as image, gimp.told(python=tmp_path / "python"):
        before = image.state()
        status, said = image.colorize()
        assert status == "execution-error" and said.endswith("cannot be started: please run install.py again.")
        assert image.state().same_as(before)


def test_missing_settings_are_a_sentence(gimp: Gimp) -> None:
    settings = gimp.plugin / "settings.json"
    with gimp.image(GREY) as image:
        before = image.state()
        away = settings.rename(settings.with_suffix(".away"))
        status, said = image.colorize()
        away.rename(settings)
        assert status == "execution-error" and said.endswith("please run install.py again.")
        assert image.state().same_as(before)


@pytest.mark.parametrize("damaged", ["orange.onnx", "manifest.json"])
def test_a_damaged_models_folder_is_a_sentence(gimp: Gimp, tmp_path: Path, damaged: str) -> None:
    models = make_models(tmp_path / STRANGE, ["orange"])
    (models / damaged).write_bytes(b"not this")
    with gimp.image(GREY) as image, gimp.told(models=models):
        before = image.state()
        status, said = image.colorize()
        assert status == "execution-error" and "damaged" in said and "install.py again" in said
        assert image.state().same_as(before)


def test_a_worker_killed_in_mid_work_is_a_sentence_and_leaves_nothing_behind(gimp: Gimp) -> None:
    with gimp.image(GREY) as image:
        before = image.state()
        image.start("colorize", model="hours")
        (worker,) = gimp.wait_for_workers()
        time.sleep(1.5)  # into the network
        os.kill(worker, signal.SIGKILL)
        status, said = gimp.answer()
        assert status == "execution-error" and "stopped in mid-work" in said and said.endswith("try again.")
        assert image.state().same_as(before)
    assert not gimp.workers() and not lasting_pixel_files()


@pytest.mark.parametrize("manifest", [None, '{"contract": 1, "models": [{"id": "orange"}]}'])
def test_without_a_sound_manifest_the_procedure_is_there_and_tells_what_to_do(
    gimp_program: str, tiny: Settings, tmp_path: Path, manifest: str | None
) -> None:
    profile, models = tmp_path / STRANGE, tmp_path / "models"
    if manifest:
        models.mkdir()
        (models / "manifest.json").write_text(manifest)
    make_profile(profile, Settings(tiny.python, models, tiny.version))
    with running(gimp_program, profile, "--no-interface") as gimp, gimp.image(GREY) as image:
        before = image.state()
        status, said = image.colorize()
        assert status == "execution-error" and "install.py again" in said
        assert image.state().same_as(before)
