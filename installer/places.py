"""What an installation has outside its own folder: a plug-in folder in each GIMP, and the command.

Each is made beside its place and put there in one step, so that a killed run leaves the former or the new one.
installed.json in a side's data folder remembers where they are before they are there, and which folders were made to
hold them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.lock import lock

from installer.environment import COMMAND, INSTALLATIONS
from installer.gimps import Gimp
from installer.sides import Side

_LOCK = "install.lock"
_SETTINGS = "settings.json"
_NEW, _FORMER = f".{settings.NAME}.new", f".{settings.NAME}.former"  # GIMP does not look into hidden folders
_OPTIONS = f"plug-in-settings/*-plug-in-{settings.NAME}.*"  # what GIMP keeps of the dialog, in its settings folder
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


class Places:
    """The places of one side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.data = side.data
        self.command = side.data / "bin" / COMMAND  # it stays there when installations come and go
        self._plug_ins: dict[Path, str] = {}
        self._made: list[Path] = []
        self._recall()

    @property
    def plug_ins(self) -> dict[Path, str]:
        """Our plug-in folders, in those GIMPs that are still there, each with its front end."""
        return {place: front_end for place, front_end in self._plug_ins.items() if place.parent.is_dir()}

    @property
    def installation(self) -> Path | None:
        """The current one, which the command names."""
        named = self.command.read_bytes() if self.command.is_file() else b""
        folder = self.data / INSTALLATIONS
        there = folder.iterdir() if folder.is_dir() else []
        return next((path for path in there if os.fsencode(path.name) in named), None)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One install.py at a time; the system ends the lock even where the process is killed."""
        missing = _missing(self.data)
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / _LOCK).open("w") as file:
            if not lock(file):
                raise ColorizeError("Another install.py is at work: please wait until it has ended.")
            self._recall()
            self._made += missing
            yield

    def prepare(self, gimps: Iterable[Gimp]) -> None:
        """Makes and remembers the plug-ins folders of these GIMPs, and finds out early where we may not write."""
        places = {gimp.plug_ins / settings.NAME: gimp.front_end for gimp in gimps}
        for place in places:
            if place not in self._plug_ins and place.exists() and not (place / _SETTINGS).is_file():
                raise ColorizeError(f"{place} is not ours: please move it away, and run install.py again.")
        self._plug_ins = self.plug_ins | places
        self._make_folder(self.command.parent)
        for place in self._plug_ins:
            self._make_folder(place.parent)
            place.with_name(_NEW).mkdir(exist_ok=True)

    def switch_to(self, installation: Path) -> None:
        """Makes an installation the current one: everything is made beside its place before the first is put there."""
        for place, front_end in self.plug_ins.items():
            _copy(installation / front_end, place.with_name(_NEW))
        beside = self.command.with_name(f"{COMMAND}.new")
        shutil.copy(installation / COMMAND, beside)
        for place in self.plug_ins:
            _put(place.with_name(_NEW), place)
        beside.replace(self.command)

    def sweep(self) -> None:
        """Removes what failed and killed runs left, and installations that no plug-in and no command names."""
        for place in self.plug_ins:
            if not place.exists() and place.with_name(_FORMER).exists():
                place.with_name(_FORMER).rename(place)
            for left in (_NEW, _FORMER):
                _remove(place.with_name(left))
        pointers = [self.command, *(place / _SETTINGS for place in self.plug_ins)]
        named = b"".join(file.read_bytes() for file in pointers if file.is_file())
        folder = self.data / INSTALLATIONS
        for installation in folder.iterdir() if folder.is_dir() else []:
            if os.fsencode(installation.name) not in named:
                _remove(installation)
        self._remove_empty_folders()

    def link_command(self) -> Path:
        """Puts a link to the command where the shell looks for it -> the link, or the command where that cannot be."""
        link = self._link()
        with contextlib.suppress(OSError):  # what is installed works without it
            if link is not None and (self._is_our_link(link) or not os.path.lexists(link)):
                self._make_folder(link.parent)
                beside = link.with_name(f".{link.name}.new")
                beside.unlink(missing_ok=True)
                beside.symlink_to(self.command)
                beside.replace(link)
                return link
        return self.command

    def remove(self, gimps: Iterable[Gimp]) -> list[Path]:
        """Removes all that lies outside the data folder, also from these GIMPs -> what it was."""
        self.sweep()
        found = [place for gimp in gimps if self._is_of_our_data(place := gimp.plug_ins / settings.NAME)]
        link = self._link()
        links = [link] if link is not None and self._is_our_link(link) else []
        removed = [place for place in dict.fromkeys([*self.plug_ins, *found, *links]) if os.path.lexists(place)]
        for place in removed:
            _remove(place, ignore_errors=False)
            for options in place.parents[1].glob(_OPTIONS):
                options.unlink()
        return removed

    def remove_data(self) -> None:
        """Removes the data folder, when it is not held, and then the folders that were made to hold all this."""
        for folder in (self.data, *self.side.traces()):
            shutil.rmtree(folder)
        self._remove_empty_folders()

    def _link(self) -> Path | None:
        """Where users' own commands are, on systems that have such a place; a sandbox's command is of no use there."""
        here = os.name == "posix" and not self.side.name
        return Path.home() / ".local" / "bin" / settings.NAME if here else None

    def _is_of_our_data(self, place: Path) -> bool:
        try:
            return self.data in settings.read(place).python.parents
        except ColorizeError:
            return False

    def _is_our_link(self, link: Path) -> bool:
        return link.is_symlink() and os.readlink(link) == str(self.command)  # noqa: PTH115 - its very text

    def _make_folder(self, folder: Path) -> None:
        self._made += [path for path in _missing(folder) if self.data not in path.parents]
        self._remember()
        folder.mkdir(parents=True, exist_ok=True)

    def _remove_empty_folders(self) -> None:
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # it holds something by now
                folder.rmdir()

    def _recall(self) -> None:
        try:
            remembered = json.loads((self.data / settings.REMEMBERED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        plug_ins = remembered["plug_ins"]
        if isinstance(plug_ins, list):  # before there was a front end for GIMP 2.10
            plug_ins = dict.fromkeys(plug_ins, "gimp3")
        self._plug_ins = {Path(place): front_end for place, front_end in plug_ins.items()}
        self._made = [Path(folder) for folder in remembered["made"]]

    def _remember(self) -> None:
        plug_ins = {str(place): front_end for place, front_end in self._plug_ins.items()}
        entries = {"plug_ins": plug_ins, "made": list(map(str, dict.fromkeys(self._made)))}
        settings.write_json(self.data / settings.REMEMBERED, entries)


def _missing(folder: Path) -> list[Path]:
    """Which of the folder and its parents are to be made, outermost first."""
    return [path for path in (folder, *folder.parents) if not path.exists()][::-1]


def _copy(source: Path, target: Path) -> None:
    """Copies the files below `source`, with new time stamps: GIMP asks a plug-in again when its time stamp changes."""
    for file in source.rglob("*"):
        if file.is_file() and file.parent.name != "__pycache__":
            copied = target / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copied)


def _put(new: Path, place: Path) -> None:
    """Moves a folder to its place; what was there goes to where sweep() finds it."""
    if not place.exists():
        new.rename(place)
    elif not _exchanged(new, place):
        place.rename(place.with_name(_FORMER))
        new.rename(place)


def _exchanged(one: Path, other: Path) -> bool:
    """Swaps two folders in one step; False where system or file system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return rename is not None and rename(*names, _RENAME_EXCHANGE) == 0


def _remove(path: Path, ignore_errors: bool = True) -> None:
    """Windows keeps what still runs: then the next sweep removes it."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors)
