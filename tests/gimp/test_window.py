"""The filter as its users meet it, in real windows: menu, dialog, preview, progress, Cancel, undo, error box."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colorize_neural.worker.color import lab_from_rgb
from numpy.typing import NDArray

from tests.gimp.desk import MESSAGE, TITLE, Desk, Dialog, eventually
from tests.gimp.gimps import Image, Photo, of_sample
from tests.pixel_files import is_coloured_at, lasting_pixel_files, pixels_of
from tests.tiny_models import with_the_first_replaced

GREY = Photo(base="GRAY", size=(600, 400), canvas=(620, 420))


PREVIEW = "preview"
MIDDLE_OF_THE_FIRST_ROW = 18_000  # the byte where it begins, in a row of 12000 pixels; also from the end
RESET_TO_FACTORY_DEFAULTS = ("alt+r", "Tab", "Return")  # the second entry of its menu


def test_menu_and_dialog_colour_a_grey_image_and_one_undo_takes_it_back(desk: Desk, gimp_version: str) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        dialog = desk.dialog(window)
        desk.screen.screenshot(f"dialog-{gimp_version}")
        desk.screen.press(dialog.window, "Return")
        assert eventually(lambda: not desk.gimp.calls())
        assert image.names() == ["Orange", "photo"]
        assert image.state().base == "rgb"
        desk.screen.screenshot(f"result-{gimp_version}")
        desk.screen.wait_until_gone(MESSAGE, patience=0)  # what goes as expected is no news
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.state().base == "gray")
        assert image.state().same_as(before)


def test_the_last_values_colour_once_more_without_a_dialog(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        desk.dialog(window).do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Orange", "photo"])
        desk.screen.press(window, "ctrl+f")
        assert eventually(lambda: len(image.names()) == 3)


@pytest.mark.parametrize("output", ["color-layer", "layer", "replace"])
def test_each_output_is_one_step_to_undo(desk: Desk, output: str) -> None:
    with desk.window(Photo(base="GRAY", selection=(10, 15, 20, 20))) as (image, window):
        before = image.state()
        assert image.colorize(output=output)[0] == "success"
        assert image.state().base == "rgb"
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.state().base == "gray")
        assert image.state().same_as(before)


def is_coloured(dialog: Dialog, widget: str = PREVIEW) -> bool:
    """Whether the right half of a picture is; the line of the preview lies in the left one."""
    picture = dialog.picture(widget).astype(int)
    right = picture[:, picture.shape[1] // 2 :]
    return bool((right[..., 0] - right[..., 2]).mean() > 10)


def test_the_preview_shows_the_photograph_before_and_after(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        left = dialog.picture()[:, :20]
        assert np.array_equal(left[..., 0], left[..., 2])
        assert dialog.do("text", widget="status").startswith("Took ")
        assert "Ran on the CPU, because this installation" in dialog.do("text", widget="status")
        assert eventually(lambda: is_coloured(dialog, "suggestion Colder"))
        dialog.do("respond", button="CANCEL")
        assert eventually(lambda: not desk.gimp.workers())
        assert image.state().same_as(before)


def test_the_line_can_be_dragged(desk: Desk) -> None:
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        left, top, width, height = dialog.do("place", widget=PREVIEW)
        desk.screen.drag((left + width // 4, top + height // 2), (left + width - 5, top + height // 2))
        assert eventually(lambda: not is_coloured(dialog))
        dialog.do("respond", button="CANCEL")


def test_the_preview_grows_with_the_window(desk: Desk) -> None:
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        _, small, _ = dialog.picture().shape
        dialog.do("resize", width=1200, height=760)
        assert eventually(lambda: dialog.picture().shape[1] > small + 100)
        dialog.do("respond", button="CANCEL")


def test_the_preview_leaves_what_is_not_selected_as_it_is(desk: Desk) -> None:
    right_half = (310, 0, 310, 420)
    with desk.window(replace(GREY, selection=right_half)) as (_, window):
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        width = dialog.picture().shape[1]
        beside_the_line = dialog.picture()[:, width * 3 // 10 : width * 4 // 10]
        assert np.array_equal(beside_the_line[..., 0], beside_the_line[..., 2])
        dialog.do("respond", button="CANCEL")


def test_the_preview_shows_a_group_and_what_is_transparent(desk: Desk) -> None:
    with desk.window(replace(GREY, alpha=True)) as (image, window):
        image.do("aim_at", what="group")
        image.do("select")
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        dialog.do("respond", button="OK")
        assert eventually(lambda: len(image.names()) == 3)


def test_what_was_set_is_remembered_and_can_be_reset(desk: Desk) -> None:
    settings = {"model": "thermometer", "temperature": 0.9, "strength": 150, "warmth": 0.5}
    with desk.window(GREY) as (image, window):
        dialog = desk.dialog(window)
        for widget, value in settings.items():
            dialog.do("give", widget=widget, value=value)
        dialog.do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Thermometer", "photo"])
    with desk.window(GREY) as (image, window):
        again = desk.dialog(window)
        assert {widget: again.do("value", widget=widget) for widget in settings} == pytest.approx(settings)
        desk.screen.press(again.window, *RESET_TO_FACTORY_DEFAULTS)
        assert eventually(lambda: again.do("value", widget="model") == "orange")
        assert again.do("value", widget="temperature") == 1.0
        assert again.do("value", widget="strength") == 100
        again.do("give", widget="model", value="thermometer")
        assert eventually(lambda: again.do("value", widget="temperature") == pytest.approx(0.4))
        desk.screen.press(again.window, *RESET_TO_FACTORY_DEFAULTS)
        assert eventually(lambda: again.do("value", widget="model") == "orange")
        again.do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Orange", "photo"])


def test_a_temperature_is_kept_for_another_model_but_not_one_that_is_the_models_own(desk: Desk) -> None:
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        dialog.do("give", widget="model", value="thermometer")
        dialog.do("give", widget="temperature", value=0.7)
        dialog.do("give", widget="model", value="grey")  # which has none
        assert eventually(lambda: dialog.do("value", widget="temperature") == pytest.approx(0.7))
        dialog.do("give", widget="model", value="thermometer")
        dialog.do("give", widget="temperature", value=0.4)
        dialog.do("give", widget="model", value="grey")
        assert eventually(lambda: dialog.do("value", widget="temperature") == 1.0)
        dialog.do("respond", button="CANCEL")


def test_no_strength_takes_the_colours_away_and_a_suggestion_brings_them_back(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        dialog.do("give", widget="strength", value=0.0)
        assert eventually(lambda: not is_coloured(dialog))
        assert not dialog.do("is_raised", widget="suggestion Natural")
        dialog.do("click", widget="suggestion Vivid")
        assert eventually(lambda: is_coloured(dialog))
        assert dialog.do("is_raised", widget="suggestion Vivid")
        assert dialog.do("value", widget="strength") == pytest.approx(140)
        dialog.do("click", widget="suggestion Natural")
        dialog.do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Orange", "photo"])


def test_the_papers_models_are_apart_and_one_that_ignores_the_temperature_says_so(desk: Desk) -> None:
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        rows = [("Orange", True), ("Grey", True), ("Thermometer", True)]
        papers = [("", False), ("From papers, to compare", False), ("Hours", True)]
        assert dialog.do("rows", widget="model") == rows + papers
        assert not dialog.do("is_sensitive", widget="temperature")
        assert dialog.do("text", widget="temperature-hint") == "This model has no temperature."
        dialog.do("give", widget="model", value="thermometer")
        assert eventually(lambda: dialog.do("is_sensitive", widget="temperature"))
        assert dialog.do("value", widget="temperature") == pytest.approx(0.4)
        assert dialog.do("text", widget="description") == "A test model: thermometer."
        dialog.do("respond", button="CANCEL")


def test_the_dialog_is_never_frozen_and_cancel_ends_a_preview_that_takes_hours(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        dialog = desk.dialog(window)
        dialog.do("give", widget="model", value="hours")
        time.sleep(2)  # into the network
        asked = time.monotonic()
        assert dialog.do("text", widget="description") == "A test model: hours."
        assert time.monotonic() - asked < 1
        dialog.do("respond", button="CANCEL")
        assert eventually(lambda: not desk.gimp.workers())
        assert not lasting_pixel_files()
        assert image.state().same_as(before)


def test_help_opens_our_own_page(desk: Desk, tmp_path: Path) -> None:
    profile, opened = desk.gimp.plugin.parents[1], tmp_path / "opened"
    browser = f'[Desktop Entry]\nType=Application\nName=Browser\nExec=sh -c "echo %u > {opened}"\nMimeType=text/html;\n'
    (profile / "applications").mkdir()
    (profile / "applications" / "browser.desktop").write_text(browser)
    (profile / "applications" / "mimeapps.list").write_text("[Default Applications]\ntext/html=browser.desktop\n")
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        dialog.do("respond", button="HELP")
        assert eventually(opened.exists)
        assert eventually(lambda: opened.read_text().strip().endswith("colorize-neural/help/en/index.html"))
        dialog.do("respond", button="CANCEL")


def test_a_second_call_while_one_works_is_fine(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        first = desk.dialog(window)
        assert eventually(lambda: is_coloured(first))
        assert image.colorize()[0] == "success"
        first.do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Orange #1", "Orange", "photo"])


def test_cancel_in_the_dialog_changes_nothing(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        before = image.state()
        desk.screen.press(desk.dialog(window).window, "Escape")
        desk.screen.wait_until_gone(TITLE)
        assert image.state().same_as(before)


def cancelled(desk: Desk, window: str) -> bool:
    """Presses Cancel in the bar -> whether nothing is left of the call."""
    desk.screen.click_cancel(window)
    return eventually(lambda: not desk.gimp.calls() and not desk.gimp.workers()) and not lasting_pixel_files()


def test_cancel_while_the_preview_is_waited_for_leaves_nothing_behind(
    desk: Desk, gimp_version: str, tmp_path: Path
) -> None:
    slow = with_the_first_replaced(tmp_path, "hours")
    with desk.window(GREY) as (image, window), desk.gimp.told(models=slow):
        before = image.state()
        desk.dialog(window).do("respond", button="OK")
        assert desk.gimp.wait_for_workers()
        time.sleep(2)  # into the network
        desk.screen.screenshot(f"progress-{gimp_version}")
        shown = desk.screen.pixels()
        assert eventually(lambda: desk.screen.pixels() != shown)  # the bar moves
        assert cancelled(desk, window)
        assert image.state().same_as(before)
        desk.screen.press(window, "ctrl+z")
        assert image.state().same_as(before)


def colour_once_more(desk: Desk, window: str) -> int:
    """Without a dialog -> the worker, which has the photograph."""
    desk.screen.press(window, "ctrl+f")
    (worker,) = desk.gimp.wait_for_workers()
    assert eventually(lambda: pixels_of(worker) is not None)
    return worker


def colour_by_the_dialog(desk: Desk, image: Image, window: str) -> None:
    desk.dialog(window).do("respond", button="OK")
    assert eventually(lambda: not desk.gimp.calls())
    assert image.names() == ["Orange", "photo"]


def test_cancel_while_the_network_runs_leaves_nothing_behind(desk: Desk, tmp_path: Path) -> None:
    with desk.window(GREY) as (image, window):
        colour_by_the_dialog(desk, image, window)
        before = image.state()
        with desk.gimp.told(models=with_the_first_replaced(tmp_path, "hours")):
            colour_once_more(desk, window)
            time.sleep(2)  # into the network
            assert cancelled(desk, window)
        assert image.state().same_as(before)
        desk.screen.press(window, "ctrl+z")
        assert eventually(lambda: image.names() == ["photo"])  # the step before: the cancelled call left none


def test_cancel_while_the_colours_are_painted_leaves_nothing_behind(desk: Desk) -> None:
    with desk.window(GREY) as (image, window):
        colour_by_the_dialog(desk, image, window)
        image.do("enlarge", width=12_000, height=8_000)
        worker = colour_once_more(desk, window)
        assert eventually(lambda: is_coloured_at(worker, MIDDLE_OF_THE_FIRST_ROW))
        assert not is_coloured_at(worker, -MIDDLE_OF_THE_FIRST_ROW)
        assert cancelled(desk, window)
        assert image.names() == ["Orange", "photo"]
        assert not image.do("is_changed")


def test_two_images_are_coloured_at_the_same_time(desk: Desk, tmp_path: Path) -> None:
    with desk.window(GREY) as (image, window), desk.gimp.image(GREY) as other:
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        with desk.gimp.told(models=with_the_first_replaced(tmp_path, "seconds")):
            other.start("colorize")
            assert eventually(lambda: len(desk.gimp.workers()) == 2)
        dialog.do("respond", button="OK")
        assert eventually(lambda: len(desk.gimp.calls()) == 1)
        assert not desk.gimp.has_answered()  # the one that began first is still at work
        assert desk.gimp.answer()[0] == "success"
        assert len(image.names()) == len(other.names()) == 2


def test_an_image_that_was_closed_behind_the_dialog_is_a_sentence(desk: Desk, gimp_version: str) -> None:
    with desk.window(GREY) as (image, window):
        dialog = desk.dialog(window)
        assert eventually(lambda: is_coloured(dialog))
        image.do("close")
        dialog.do("respond", button="OK")
        box = desk.screen.wait_for(MESSAGE)
        desk.screen.screenshot(f"closed-{gimp_version}")
        desk.screen.press(box, "Return")
        desk.screen.wait_until_gone(MESSAGE)


def test_a_mistake_of_ours_in_the_dialog_is_told_there_and_in_the_log(desk: Desk) -> None:
    log = desk.gimp.plugin.parents[1] / "colorize-neural" / "colorize-neural.log"
    with desk.window(GREY) as (_, window):
        dialog = desk.dialog(window)
        dialog.do("damage", widget="suggestion Colder")
        dialog.do("click", widget="suggestion Colder")
        assert eventually(lambda: "went wrong (IndexError" in dialog.do("text", widget="status"))
        assert str(log) in dialog.do("text", widget="status")
        assert "pop from empty list" in log.read_text()
        dialog.do("click", widget="suggestion Natural")
        assert eventually(lambda: dialog.do("text", widget="status").startswith("Took "))
        dialog.do("respond", button="CANCEL")


def test_every_option_reaches_the_result_and_can_be_kept_as_settings(desk: Desk) -> None:
    chosen = {"strength": 0, "output": "replace", "edge-guidance": False, "equalize": True, "device": "cpu"}
    usual = {"strength": 100, "output": "color-layer", "edge-guidance": True, "equalize": False, "device": "auto"}
    with desk.window(GREY) as (image, window):
        dialog = desk.dialog(window)

        def shown() -> dict[str, object]:
            return {widget: dialog.do("value", widget=widget) for widget in chosen}

        dialog.do("expand", widget="more")
        for widget, value in chosen.items():
            dialog.do("give", widget=widget, value=value)
        assert eventually(lambda: dialog.do("text", widget="status").endswith("Ran on the CPU."))
        dialog.do("press_button", label="_Save Settings")
        desk.screen.press(dialog.window, *RESET_TO_FACTORY_DEFAULTS)
        assert eventually(lambda: shown() == usual)
        dialog.do("press_button", label="_Load Saved Settings")
        assert eventually(lambda: shown() == chosen)
        dialog.do("give", widget="strength", value=100)
        dialog.do("respond", button="OK")
        assert eventually(lambda: not desk.gimp.calls())
        assert image.names() == ["photo"]
        assert colourfulness(image.state().visible) > 15
    with desk.window(GREY) as (image, window):
        dialog = desk.dialog(window)
        desk.screen.press(dialog.window, *RESET_TO_FACTORY_DEFAULTS)
        dialog.do("respond", button="OK")
        assert eventually(lambda: image.names() == ["Orange", "photo"])


def colourfulness(rgb: NDArray[np.generic]) -> float:
    """The mean chroma of sRGB 0..1."""
    return float(np.hypot(*np.moveaxis(lab_from_rgb(np.float32(rgb[..., :3]))[..., 1:], -1, 0)).mean())


def test_the_suggestions_of_the_default_model_differ_as_they_say(desk: Desk, shipped: Path) -> None:
    photo = replace(of_sample("louis-armstrong-1946.jpg", "U8_NON_LINEAR"), base="GRAY")  # the hardest one
    with desk.gimp.told(models=shipped), desk.window(photo) as (_, window):
        dialog = desk.dialog(window)

        def seen(title: str) -> NDArray[np.float32]:
            return np.float32(dialog.picture(f"suggestion {title}")) / np.float32(255)

        assert eventually(lambda: colourfulness(seen("Colder")) > 1)  # the last one
        cautious, natural, vivid = (colourfulness(seen(title)) for title in ("Cautious", "Natural", "Vivid"))
        colder, own, warmer = (lab_from_rgb(seen(title))[..., 2].mean() for title in ("Colder", "Natural", "Warmer"))
        dialog.do("respond", button="CANCEL")
    assert cautious < 0.95 * natural and natural < 0.95 * vivid
    assert colder + 1 < own < warmer - 1


def test_what_cannot_work_is_told_in_the_error_box(desk: Desk, gimp_version: str) -> None:
    with desk.window(GREY) as (image, window):
        image.do("make_indexed")
        before = image.state()
        desk.choose_from_menu(window)
        box = desk.screen.wait_for(MESSAGE)
        desk.screen.screenshot(f"error-{gimp_version}")
        desk.screen.press(box, "Return")
        desk.screen.wait_until_gone(MESSAGE)
        assert image.state().same_as(before)
