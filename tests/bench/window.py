"""How long a user waits for the picture: from a change in the dialog to the pixels in its window, in real GIMPs.

A sample photograph, its preview as large as the dialog makes it. The limit is half a second, which seems immediate.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.settings import Settings

from tests.bench.results import Row, row_of_seconds
from tests.gimp.desk import Dialog, eventually, missing, opened
from tests.gimp.gimps import found, of_sample

LIMIT = 0.5  # seconds
#   what is changed: its widget, and what it is given
CHANGES = {
    "temperature": ("temperature", (0.3, 0.4, 0.6, 0.7)),
    "strength": ("strength", (120, 80, 110, 90)),
    "model": ("model", ("zhang2016", "palette")),  # each is loaded then
}


def rows() -> list[Row]:
    if not found() or any(map(missing, found().values())):
        return [Row("window", "not measured: there is no GIMP 3 with windows on the PATH", None, 1)]
    return [row for version, program in found().items() for row in rows_of(version, program)]


def rows_of(version: str, program: str) -> list[Row]:
    told = Settings(Path(sys.executable), settings.models_folder(), __version__)
    photo = replace(of_sample("buffalo-1908.jpg", "U8_NON_LINEAR"), base="GRAY")
    with (
        tempfile.TemporaryDirectory() as folder,
        opened(program, told, Path(folder)) as desk,
        desk.window(photo) as (_, window),
    ):
        dialog = desk.dialog(window)
        eventually(lambda: dialog.do("text", widget="status") != "")
        time.sleep(1)  # the suggestions
        measured = [row_of(version, dialog, changed) for changed in CHANGES]
        dialog.do("respond", button="CANCEL")
    return measured


def row_of(version: str, dialog: Dialog, changed: str) -> Row:
    widget, values = CHANGES[changed]
    longest = max(seconds_of(dialog, widget, value) for value in values)
    what = f"from another {changed} to the picture in the dialog, the longest of {len(values)}, beside what is wanted"
    return row_of_seconds(f"window {version}, {changed}", what, [longest, LIMIT], wanted=1)


def seconds_of(dialog: Dialog, widget: str, value: object) -> float:
    dialog.do("time_change", widget=widget, value=value)
    if not eventually(lambda: dialog.do("seconds_taken") is not None):
        raise RuntimeError("no picture comes")
    time.sleep(0.5)  # for what follows the picture
    return float(dialog.do("seconds_taken"))
