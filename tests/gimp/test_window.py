"""The filter as its users meet it, in real windows: menu, dialog, progress, Cancel, undo, error box."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gimp.desk import Desk, eventually
from tests.gimp.gimps import Photo, State
from tests.pixel_files import pixel_files
from tests.tiny_models import make_models

GREY = Photo(base="GRAY", size=(600, 400), canvas=(620, 420))


def names(state: State) -> list[str]:
    return [layer.name for layer in state.layers]


def test_menu_and_dialog_colour_a_grey_image_and_one_undo_takes_it_back(desk: Desk, gimp_version: str) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        dialog = desk.dialog(window)
        desk.screen.screenshot(f"dialog-{gimp_version}")
        desk.screen.press(dialog, "Return")
        assert eventually(lambda: names(image.state()) == ["Orange", "photo"])
        assert image.state().base == "rgb"
        desk.screen.screenshot(f"result-{gimp_version}")
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.state().base == "gray")
        assert image.state().same_as(before)


def test_the_last_values_colour_once_more_without_a_dialog(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        desk.screen.press(desk.dialog(window), "Return")
        assert eventually(lambda: names(image.state()) == ["Orange", "photo"])
        desk.screen.press(window, "ctrl+f")
        assert eventually(lambda: len(image.state().layers) == 3)


@pytest.mark.parametrize("output", ["color-layer", "layer", "replace"])
def test_each_output_is_one_step_to_undo(desk: Desk, output: str) -> None:
    with desk.window(Photo(base="GRAY", selection=(10, 15, 20, 20))) as (image, window):
        before = image.state()
        assert image.colorize(output=output)[0] == "success"
        assert image.state().base == "rgb"
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.state().base == "gray")
        assert image.state().same_as(before)


def test_cancel_in_the_dialog_changes_nothing(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        desk.screen.press(desk.dialog(window), "Escape")
        desk.screen.wait_until_gone(r"^Colorize \(neural\)$")
        assert image.state().same_as(before)


def test_cancel_in_mid_work_leaves_the_image_as_it_was_and_nothing_behind(
    desk: Desk, gimp_version: str, tmp_path: Path
) -> None:
    slow = make_models(tmp_path, ["hours"])
    manifest = slow / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"id": "hours"', '"id": "orange"'))
    with desk.window(GREY) as (image, window), desk.gimp.told(models=slow):
        before = image.state()
        desk.screen.press(desk.dialog(window), "Return")
        assert desk.gimp.wait_for_workers()
        time.sleep(3)  # into the network
        desk.screen.screenshot(f"progress-{gimp_version}")
        desk.screen.click_cancel(window)
        assert eventually(lambda: not desk.gimp.workers())
        assert not pixel_files()
        assert image.state().same_as(before)
        desk.screen.press(window, "ctrl+z")
        assert image.state().same_as(before)


def test_what_cannot_work_is_told_in_the_error_box(desk: Desk, gimp_version: str) -> None:
    with desk.window(GREY) as (image, window):
        image.do("make_indexed")
        before = image.state()
        desk.choose_from_menu(window)
        box = desk.screen.wait_for("^GIMP Message$")
        desk.screen.screenshot(f"error-{gimp_version}")
        desk.screen.press(box, "Return")
        desk.screen.wait_until_gone("^GIMP Message$")
        assert image.state().same_as(before)
