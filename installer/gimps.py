"""The GIMPs of this machine, each with the settings folder whose plug-ins it loads.

its program on PATH, which tells its version  ->  the folder of that version      its settings folder  ->  itself
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorize_neural.errors import ColorizeError

#             environment variable, and what stands for it below the home folder
_SETTINGS = {
    "win32": ("APPDATA", "AppData/Roaming"),
    "darwin": ("", "Library/Application Support"),
    "linux": ("XDG_CONFIG_HOME", ".config"),
}
_FOLDER_VARIABLE = "GIMP3_DIRECTORY"  # GIMP's own: its settings folder
_PROGRAM = re.compile(r"gimp(-console)?(-3(\.\d+)?)?(\.exe)?")
_VERSION = re.compile(r"version (3\.\d+)\b")
_FOLDER = re.compile(r"3\.\d+")
_SNAP = "snap"  # what a snap's program really is; its GIMP has a home folder of its own
_ANSWERS_WITHIN = 20  # seconds
_STARTS_WITHIN = 180


@dataclass(frozen=True)
class Gimp:
    """A GIMP 3."""

    name: str
    folder: Path  # of its settings
    found: str  # where we know it from

    @property
    def plug_ins(self) -> Path:
        return self.folder / "plug-ins"


def find(told: Sequence[Path]) -> list[Gimp]:
    """The GIMPs of the settings folders that the user told us; else all there are, each folder once."""
    gimps = [_told(folder) for folder in told] or [*_by_variable(), *_by_program(), *_by_settings_folder()]
    return list({gimp.folder: gimp for gimp in reversed(gimps)}.values())[::-1]


def _told(folder: Path) -> Gimp:
    folder = folder.absolute()
    if folder.name == "plug-ins":
        folder = folder.parent
    if not folder.is_dir():
        raise ColorizeError(
            f"There is no folder {folder}: please name the one that GIMP shows under "
            "Edit > Preferences > Folders > Plug-ins, or start that GIMP once."
        )
    return Gimp(f"GIMP with the settings folder {folder}", folder, "you told so")


def _by_variable() -> Iterator[Gimp]:
    folder = Path(os.environ.get(_FOLDER_VARIABLE, ""))
    if folder.is_absolute():
        yield Gimp(f"GIMP with the settings folder {folder}", folder, f"{_FOLDER_VARIABLE} tells so")


def _by_program() -> Iterator[Gimp]:
    for program in _programs():
        version = _VERSION.search(_output([program, "--version"], _ANSWERS_WITHIN))
        if version:
            yield _started_once(program, version[1])


def _programs() -> list[Path]:
    """What is named as GIMP is on PATH, each program once."""
    programs: dict[Path, Path] = {}
    for folder in map(Path, os.get_exec_path()):
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - Path.iterdir makes a Path of each of thousands
        except OSError:
            continue
        for program in (folder / name for name in names if _PROGRAM.fullmatch(name)):
            real = program.resolve()
            if real.name != _SNAP and real.is_file() and os.access(real, os.X_OK):
                programs.setdefault(real, program)
    return list(programs.values())


def _started_once(program: Path, version: str) -> Gimp:
    """A GIMP that finds a settings folder does not import those of its predecessor: let it make its own."""
    gimp = Gimp(f"GIMP {version}", _settings_root() / version, str(program))
    if not gimp.folder.exists():
        _output([program, "--no-interface", "--quit"], _STARTS_WITHIN)
    return gimp


def _by_settings_folder() -> Iterator[Gimp]:
    root = _settings_root()
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if _FOLDER.fullmatch(folder.name) and folder.is_dir():
            yield Gimp(f"GIMP {folder.name}", folder, str(folder))


def _settings_root() -> Path:
    variable, below_home = _SETTINGS.get(sys.platform, _SETTINGS["linux"])
    told = Path(os.environ.get(variable, ""))
    return (told if told.is_absolute() else Path.home() / below_home) / "GIMP"


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
