"""The GIMPs of this machine, each with the settings folder whose plug-ins it loads, and the side they run on.

its program, which tells its version  ->  the folder of that version          a settings folder  ->  itself
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from colorize_neural.errors import ColorizeError

from installer import sides
from installer.sides import Side

#    system: what holds the settings folders of its GIMPs (the first for those below), programs beside those on PATH
_SYSTEMS = {
    "linux": (
        {"": "{XDG_CONFIG_HOME}/GIMP"},
        {
            "AppImage": "{HOME}/App*/GIMP*.AppImage",  # Applications, AppImages
            "AppImage, downloaded": "{HOME}/Downloads/GIMP*.AppImage",
        },
    ),
    "win32": (
        {"": "{APPDATA}/GIMP", "Microsoft Store": "{LOCALAPPDATA}/Packages/*GIMP*/LocalCache/Roaming/GIMP"},
        {
            "for all users": "{PROGRAMFILES}/GIMP */bin/gimp-console-[23]*.exe",
            "for this user": "{LOCALAPPDATA}/Programs/GIMP */bin/gimp-console-[23]*.exe",
        },
    ),
    "darwin": (
        {"": "{HOME}/Library/Application Support/GIMP"},
        {
            "for all users": "/Applications/GIMP*.app/Contents/MacOS/gimp",
            "for this user": "{HOME}/Applications/GIMP*.app/Contents/MacOS/gimp",
        },
    ),
}
_FOLDERS = {  # environment variables, and what stands for them below the home folder
    "XDG_CONFIG_HOME": ".config",
    "APPDATA": "AppData/Roaming",
    "LOCALAPPDATA": "AppData/Local",
    "PROGRAMFILES": "Program Files",
}
_FOLDER_VARIABLES = {"GIMP3_DIRECTORY": "3", "GIMP2_DIRECTORY": "2.10"}  # GIMP's own: its settings folder
_PROGRAM = re.compile(r"gimp(-console)?(-2\.10|-3(\.\d+)?)?(\.exe)?|GIMP.*\.AppImage")
_VERSION = re.compile(r"version (2\.10|3\.\d+)\b")
_FOLDER = re.compile(r"2\.10|3\.\d+")
_SNAP = "snap"  # what a snap's program really is
_ANSWERS_WITHIN = 20  # seconds
_STARTS_WITHIN = 180


@dataclass(frozen=True)
class Gimp:
    """A GIMP 2.10 or 3."""

    version: str
    folder: Path  # of its settings
    found: str  # where we know it from
    side: Side
    program: tuple[str, ...] = ()  # what starts it, where we know that

    @property
    def name(self) -> str:
        return f"GIMP {self.version} ({self.side.name})" if self.side.name else f"GIMP {self.version}"

    @property
    def front_end(self) -> str:
        """The folder of plugin/ that it understands."""
        return "gimp2" if self.version.startswith("2.") else "gimp3"

    @property
    def plug_ins(self) -> Path:
        return self.folder / "plug-ins"


def find(told: Sequence[Path]) -> list[Gimp]:
    """The GIMPs of the settings folders that the user told us; else all there are, each folder once."""
    started = [*_by_program(), *_by_sandbox()]
    gimps = [_told(folder, started) for folder in told] or [*_by_variable(), *started, *_by_settings_folder()]
    unique: dict[Path, Gimp] = {}
    for gimp in gimps:
        first = unique.setdefault(gimp.folder.resolve(), gimp)
        if gimp.side.name and gimp.side != first.side:
            shared = f"{first.found}; {gimp.name} shares its settings, and there the plug-in will not run"
            unique[gimp.folder.resolve()] = replace(first, found=shared)
    return list(unique.values())


def paths(pattern: str, home: Path, environ: Mapping[str, str]) -> list[Path]:
    """What a pattern of the tables means for this user; one without a * is a path that need not be there."""
    told = {name: Path(environ.get(name, "")) for name in _FOLDERS}
    known = {"HOME": home} | {
        name: path if path.is_absolute() else home / _FOLDERS[name] for name, path in told.items()
    }
    if "*" not in pattern:
        return [Path(pattern.format(**known))]
    escaped = {name: glob.escape(str(path)) for name, path in known.items()}
    return [Path(path) for path in sorted(glob.glob(pattern.format(**escaped)))]  # noqa: PTH207 - they are absolute


def settings_folders(system: str, home: Path, environ: Mapping[str, str]) -> list[tuple[str, Path]]:
    """Each settings folder of a GIMP under a system, with its packaging."""
    return [
        (packaging, folder)
        for packaging, pattern in _SYSTEMS[system][0].items()
        for parent in paths(pattern, home, environ)
        for folder in _versions(parent)
    ]


def programs(system: str, home: Path, environ: Mapping[str, str]) -> list[tuple[str, Path]]:
    """What may be a GIMP under a system, each program once, with its packaging."""
    named = [("", program) for program in _on_path(environ)]
    for packaging, pattern in _SYSTEMS[system][1].items():
        named += [(packaging, program) for program in paths(pattern, home, environ)]
    found: dict[Path, tuple[str, Path]] = {}
    for packaging, program in named:
        real = program.resolve()
        if real.name != _SNAP and real.is_file() and os.access(real, os.X_OK):
            found.setdefault(real, (packaging, program))
    return list(found.values())


def _on_path(environ: Mapping[str, str]) -> Iterator[Path]:
    """What is named as GIMP is in the folders of PATH."""
    for folder in map(Path, os.get_exec_path(dict(environ))):
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - Path.iterdir makes a Path of each of thousands
        except OSError:
            continue
        yield from (folder / name for name in names if _PROGRAM.fullmatch(name))


def _versions(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if _FOLDER.fullmatch(path.name) and path.is_dir())
    except OSError:
        return []


def _system() -> str:
    return sys.platform if sys.platform in ("win32", "darwin") else "linux"


def _told(folder: Path, started: Sequence[Gimp]) -> Gimp:
    """The GIMP of a settings folder, which may be that of one that can be started."""
    folder = folder.absolute()
    if folder.name == "plug-ins":
        folder = folder.parent
    if not folder.is_dir():
        raise ColorizeError(
            f"There is no folder {folder}: please name the one that GIMP shows under "
            "Edit > Preferences > Folders > Plug-ins, or start that GIMP once."
        )
    for gimp in started:
        if gimp.folder.resolve() == folder.resolve():
            return gimp
    version = folder.name if _FOLDER.fullmatch(folder.name) else "3"
    of = (side for side in sides.sandboxes() if _parents(side)[0] in folder.parents)  # its own, which no other uses
    return Gimp(version, folder, f"{folder}, as you said", next(of, sides.this_machine()))


def _by_variable() -> Iterator[Gimp]:
    for variable, version in _FOLDER_VARIABLES.items():
        folder = Path(os.environ.get(variable, ""))
        if folder.is_absolute():
            yield Gimp(version, folder, f"{folder}, as {variable} says", sides.this_machine())


def _by_program() -> Iterator[Gimp]:
    user = _system(), Path.home(), os.environ
    (parent,) = paths(_SYSTEMS[user[0]][0][""], *user[1:])
    for packaging, program in programs(*user):
        version = _VERSION.search(_output([program, "--version"], _ANSWERS_WITHIN))
        if version:
            folder, found = parent / version[1], _with(packaging, program)
            yield Gimp(version[1], folder, found, sides.this_machine(), (str(program),))


def _by_sandbox() -> Iterator[Gimp]:
    for side in sides.sandboxes() if _system() == "linux" else []:
        version = _VERSION.search(_output([*side.gimp, "--version"], _ANSWERS_WITHIN))
        if version:
            choices = [parent / version[1] for parent in _parents(side)]
            folder = next((folder for folder in choices if folder.is_dir()), choices[-1])
            yield Gimp(version[1], folder, " ".join(side.gimp), side, side.gimp)


def _parents(side: Side) -> list[Path]:
    return [path for pattern in side.parents for path in paths(pattern, Path.home(), os.environ)]


def start_once(gimp: Gimp) -> None:
    """A GIMP that finds a settings folder does not import those of its predecessor: let it make its own."""
    if gimp.program and not gimp.folder.exists():
        _output([*gimp.program, "--no-interface", "--quit"], _STARTS_WITHIN)


def _by_settings_folder() -> Iterator[Gimp]:
    for packaging, folder in settings_folders(_system(), Path.home(), os.environ):
        yield Gimp(folder.name, folder, _with(packaging, folder), sides.this_machine())


def _with(packaging: str, path: Path) -> str:
    return f"{path} ({packaging})" if packaging else str(path)


def _output(command: Sequence[str | Path], seconds: float) -> str:
    """What a program prints; "" where it cannot be started or does not end."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},  # GIMP translates the word "version"
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")
