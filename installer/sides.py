"""Where plug-ins run: on this machine itself, or inside the sandbox of a flatpak or a snap.

A program of one side is unknown to the other, but both see the same home folder: so each side has an installation of
its own, in a data folder of its own, made by its own Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from colorize_neural import settings


@dataclass(frozen=True)
class Side:
    """One side; a folder has the same name there and here."""

    name: str  # "" for this machine itself
    data: Path  # where our installations are
    gimp: tuple[str, ...] = ()  # what starts the GIMP of a sandbox
    program: tuple[str, ...] = ("{}",)  # what starts any other program {} there
    parents: tuple[str, ...] = ()  # of its GIMPs' settings folders: the first that has the version, else the last

    def traces(self) -> list[Path]:
        """Other folders of our name: a snap's log is in the home folder that the snap pretends."""
        pretended = self.data.parents[1] / "current/.local/share" / settings.NAME
        return [pretended] if self.name == "snap" and pretended.is_dir() else []

    def start(self, program: str | Path) -> list[str | Path]:
        """The words that start a program of that side."""
        return [word.replace("{}", str(program)) for word in self.program]


_SANDBOXES = (
    #     name, our data below home, GIMP, another program, the parents of GIMP's settings folders
    (
        "flatpak",
        ".var/app/org.gimp.GIMP/data/colorize-neural",
        ("flatpak", "run", "org.gimp.GIMP"),
        ("flatpak", "run", "--command={}", "org.gimp.GIMP"),
        ("{HOME}/.var/app/org.gimp.GIMP/config/GIMP", "{XDG_CONFIG_HOME}/GIMP"),  # newer ones are let into the latter
    ),
    (
        "snap",
        "snap/gimp/common/colorize-neural",  # "current" has another path after each refresh
        ("snap", "run", "gimp"),
        ("snap", "run", "--shell", "gimp", "-c", 'exec "$0" "$@"', "{}"),
        ("{HOME}/snap/gimp/current/.config/GIMP",),
    ),
)


def this_machine() -> Side:
    return Side("", settings.data_folder())


def sandboxes() -> list[Side]:
    """Those there may be on Linux."""
    return [Side(name, Path.home() / data, *rest) for name, data, *rest in _SANDBOXES]


def installed() -> list[Side]:
    """The sides that something of ours was installed on, or may be."""
    return [this_machine(), *(side for side in sandboxes() if side.data.is_dir())]
