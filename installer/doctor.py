"""Looks at all that install.py makes: one finding after the other, and what to do where one is bad.

GIMPs, places of the sides  ->  findings, as they are found
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.errors import ColorizeError

from installer.environment import FRONT_ENDS, INSTALLATIONS
from installer.gimps import Gimp
from installer.packages import REPOSITORY
from installer.places import Places
from installer.processes import run
from installer.sides import Side

SAMPLE = REPOSITORY / "samples" / "buffalo-1908.jpg"
_AGAIN = "run install.py again"
_PROCEDURES = {"gimp3": "plug-in-colorize-neural", "gimp2": "python-fu-colorize-neural"}
_NOT_TAKEN = {
    "gimp3": "start it from a terminal and look what it says about colorize-neural",
    "gimp2": "it may have no Python (most Linux distributions left it out): take GIMP 3",
}


@dataclass(frozen=True)
class Finding:
    """What was seen, and what to do about it: "" where all is well, or where the sentence says it already."""

    said: str
    remedy: str = ""
    bad: bool = False

    def __str__(self) -> str:
        mark = "BAD " if self.bad else "note" if self.remedy else "ok  "
        return f"{mark}  {self.said}: {self.remedy}." if self.remedy else f"{mark}  {self.said}"


def findings(found: Sequence[Gimp], sides: Iterable[Side]) -> Iterator[Finding]:
    """All that can be found out, GIMPs first."""
    if not found:
        yield Finding("There is no GIMP 2.10 or 3", "name its settings folder with --gimp-folder DIR, if there is one")
    for gimp in found:
        yield Finding(f"{gimp.name}: {gimp.found}")
        yield from _of_plug_in(gimp)
    for side in sides:
        yield from _of_side(Places(side))


def _of_plug_in(gimp: Gimp) -> Iterator[Finding]:
    place = gimp.plug_ins / settings.NAME
    front_end = place / f"{settings.NAME}.py"
    if not place.is_dir():
        yield Finding(f"{place} is missing", _AGAIN, bad=True)
        return
    try:
        told = settings.read(place)
    except ColorizeError as error:
        yield Finding(str(error), bad=True)
        return
    if not os.access(front_end, os.X_OK):
        yield Finding(f"{front_end} is missing or cannot be run, so that GIMP passes it over", _AGAIN, bad=True)
    elif told.version != __version__:
        yield Finding(f"{place}: is version {told.version}, this is {__version__}", f"to upgrade, {_AGAIN}")
    else:
        yield Finding(f"{place}: is in place, version {told.version}")
    yield _registration(gimp, front_end)
    if gimp.front_end == FRONT_ENDS[0]:  # the other one calls the command
        yield _tried(place, lambda: try_plug_in(gimp.side, place))


def _registration(gimp: Gimp, front_end: Path) -> Finding:
    """Whether GIMP knows the plug-in: it writes down what it learnt from the plug-ins at a start."""
    written = gimp.folder / "pluginrc"
    if not written.is_file() or not front_end.is_file() or written.stat().st_mtime < front_end.stat().st_mtime:
        return Finding(f"{gimp.name} was not started since the plug-in came", "start it")
    if f'"{_PROCEDURES[gimp.front_end]}"' in written.read_text(encoding="utf-8", errors="replace"):
        return Finding(f"{gimp.name} knows the plug-in")
    return Finding(f"{gimp.name} was started but does not take the plug-in", _NOT_TAKEN[gimp.front_end], bad=True)


def _of_side(places: Places) -> Iterator[Finding]:
    installation = places.installation
    if installation is None:
        yield Finding(f"Nothing is installed in {places.data}", "run install.py without --check", bad=True)
        return
    try:
        told = settings.read(installation / FRONT_ENDS[0])
    except ColorizeError as error:
        yield Finding(str(error), bad=True)
        return
    yield _of_packages(places.side, told.python)
    yield from _of_models(told.models, _AGAIN)
    if (told.added / settings.MANIFEST).is_file():
        yield from _of_models(told.added, f'look at what "{settings.NAME} models verify" says')
    yield _tried(places.command, lambda: try_command(places.side, places.command))


def _of_packages(side: Side, python: Path) -> Finding:
    script = Path(__file__).with_name("inspection.py").read_text(encoding="utf-8")
    try:
        line = run([*side.start(python), "-I", "-B", "-c", script], "The environment cannot be started")
        said = json.loads(line)
    except (ColorizeError, ValueError):
        return Finding(f"The environment of {python} cannot be started", _AGAIN, bad=True)
    if said["damaged"]:
        files = f"{len(said['damaged'])} files, {said['damaged'][0]} among them"
        return Finding(f"The environment of {python} is damaged ({files})", _AGAIN, bad=True)
    return Finding(f"{python.parents[1]}: every file is as it was installed; {said['runtime']}")


def _of_models(folder: Path, remedy: str) -> Iterator[Finding]:
    try:
        entries = json.loads((folder / settings.MANIFEST).read_text(encoding="utf-8"))["models"]
        wrong = [entry["file"] for entry in entries if not _is_intact(folder / entry["file"], entry["sha256"])]
    except (OSError, ValueError, KeyError, TypeError):
        yield Finding(f"The list of models in {folder} is missing or damaged", remedy, bad=True)
        return
    for file in wrong:
        yield Finding(f"The model file {folder / file} is missing or damaged", remedy, bad=True)
    if not wrong:
        yield Finding(f"{folder}: {len(entries)} models, all of them intact")


def _is_intact(file: Path, sha256: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def _tried(what: Path, attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(f"{what}: works. {attempt()}".rstrip())
    except ColorizeError as error:
        return Finding(str(error), bad=True)


def try_command(side: Side, command: Path) -> str:
    """Has a photograph coloured by the command; ColorizeError where that cannot be done."""
    with tempfile.TemporaryDirectory(dir=side.data / INSTALLATIONS) as folder:  # which both sides see
        photo, result = shutil.copy(SAMPLE, folder), Path(folder) / f"coloured-{SAMPLE.name}"
        tried = [*side.start(command), photo, "-o", result]
        run(tried, "The command cannot colour a photograph", ours=True)
        if not result.is_file():
            raise ColorizeError("The command ends well but writes no photograph: please report this.")
    return ""


def try_plug_in(side: Side, folder: Path, device: str = "auto") -> str:
    """Has a picture coloured through a plug-in folder -> on what it ran; ColorizeError where that cannot be done."""
    script = Path(__file__).with_name("trial.py").read_text(encoding="utf-8")
    python = side.start("python3" if side.name else sys.executable)
    command = [*python, "-I", "-B", "-c", script, folder, device]
    return run(command, "The plug-in cannot colour a photograph", ours=True)
