"""How long real GIMPs take from the call of the procedure to the coloured layer, beside a plug-in that copies it.

A layer of 24 megapixels; the copying plug-in reads and writes the same pixels through GEGL, with nothing in between.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.settings import Settings

from tests.bench.photographs import write_photograph
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest
from tests.gimp.gimps import Gimp, found, make_profile, running

SIZE = (4000, 6000)  # pixels
COPYING = Path(__file__).with_name("copying.py")
TURNS = 4
WANTED = 2.0


def rows() -> list[Row]:
    if not found():
        return [Row("gimp", "not measured: there is no GIMP 3 on the PATH", None, WANTED)]
    with tempfile.TemporaryDirectory() as folder:
        photo = write_photograph(Path(folder) / "photo.jpg", SIZE)
        return [row_of(version, program, photo) for version, program in found().items()]


def row_of(version: str, program: str, photo: Path) -> Row:
    profile = photo.with_name(version)
    make_profile(profile, Settings(Path(sys.executable), settings.models_folder(), __version__))
    (profile / "plug-ins" / COPYING.stem).mkdir()
    shutil.copy(COPYING, profile / "plug-ins" / COPYING.stem)
    with running(program, profile, "--no-interface") as gimp:
        image = gimp.ask("load", path=str(photo))
        times = fastest(
            TURNS,
            partial(colorize, gimp, image),
            partial(colorize, gimp, image, procedure="plug-in-copying"),
            after=partial(gimp.ask, "remove_upper_layer", image=image),
        )
    what = "a layer of 24 MP from call to layer, beside a plug-in that only reads and writes its pixels"
    return row_of_seconds(f"gimp {version}", what, times, WANTED)


def colorize(gimp: Gimp, image: int, **arguments: str) -> None:
    status, message = gimp.ask("colorize", image=image, **arguments)
    if status != "success":
        raise RuntimeError(message)
