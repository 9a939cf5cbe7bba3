"""A GIMP with windows and the keyboard before it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import numpy as np
from colorize_neural.settings import Settings
from numpy.typing import NDArray

from tests.gimp.gimps import PATIENCE, STRANGE, Gimp, Image, Photo, make_profile, running
from tests.gimp.screen import PROGRAMS, Screen, screen

TITLE = r"^Colorize \(neural\)$"
FOLDER_TITLE = r"^Colorize a folder \(neural\)$"
MESSAGE = "^GIMP Message$"
NO_IMAGE = "^GNU Image Manipulation Program$"
COLORS, FILE = "alt+c", "alt+f"  # the keys of menus
INSIDE_PLUGIN = Path(__file__).with_name("inside_plugin")


@dataclass(frozen=True)
class Dialog:
    """The plug-in's dialog, its widgets known by name."""

    window: str
    socket: Path

    def do(self, name: str, **arguments: object) -> Any:
        """Calls a function of `inside_plugin`."""
        with Client(str(self.socket), "AF_UNIX") as connection:
            connection.send((name, arguments))
            answer, failure = connection.recv()
        if failure:
            raise RuntimeError(failure)
        return answer

    def picture(self, widget: str = "preview") -> NDArray[np.uint8]:
        """What a widget shows: (height, width, 3)."""
        width, height, channels, row, pixels = self.do("picture", widget=widget)
        rows = np.frombuffer(pixels.ljust(row * height, b"\0"), np.uint8).reshape(height, row)
        return rows[:, : channels * width].reshape(height, width, channels)[..., :3]


@dataclass(frozen=True)
class Desk:
    gimp: Gimp
    screen: Screen
    sockets: Path  # of the plug-in's processes

    @contextlib.contextmanager
    def window(self, photo: Photo) -> Iterator[tuple[Image, str]]:
        """An image in a window of its own: (the image, its window)."""
        with self.gimp.image(photo) as image:
            image.do("show")
            window = self.screen.wait_for(r"^\*?\[Untitled\].*GIMP$")
            try:
                yield image, window
            except BaseException:
                self._cancel_dialogs()  # what is left open would be in the way of other tests
                raise
            finally:
                eventually(lambda: not self.gimp.calls())  # GIMP keeps the last options in the image when a call ends

    def _cancel_dialogs(self) -> None:
        for title in (TITLE, FOLDER_TITLE, MESSAGE):
            for window in self.screen.windows(title):
                self.screen.press(window, "Escape")

    def choose_from_menu(self, window: str, menu: str = COLORS) -> None:
        self.screen.press(window, menu, "z")

    def dialog(self, window: str, menu: str = COLORS, title: str = TITLE) -> Dialog:
        """Opens a dialog of ours from its menu."""
        self.choose_from_menu(window, menu)
        shown = self.screen.wait_for(title)
        return Dialog(shown, max(self.sockets.iterdir(), key=lambda socket: socket.stat().st_mtime_ns))

    def close_welcome(self) -> None:
        """GIMP greets who starts it for the first time, sooner or later."""
        with contextlib.suppress(TimeoutError):
            self.screen.press(self.screen.wait_for("^Welcome to GIMP", patience=30), "Escape")


def with_windows(console: str) -> str:
    """The program of a GIMP that has windows."""
    return Path(console).name.replace("-console", "")


def missing(console: str) -> list[str]:
    """The programs that a GIMP with windows lacks on this machine."""
    return [program for program in (*PROGRAMS, with_windows(console)) if not shutil.which(program)]


@contextlib.contextmanager
def opened(console: str, told: Settings, folder: Path) -> Iterator[Desk]:
    """A GIMP with windows on a screen of its own; its profile and sockets are in the folder."""
    profile, sockets = folder / STRANGE, folder / "sockets"
    make_profile(profile, told)
    sockets.mkdir()
    inside = {"PYTHONPATH": str(INSIDE_PLUGIN), "INSIDE_PLUGIN": str(sockets)}
    program = str(shutil.which(with_windows(console)))
    with screen() as shown, running(program, profile, "--no-splash", DISPLAY=shown.display, **inside) as gimp:
        desk = Desk(gimp, shown, sockets)
        desk.close_welcome()
        yield desk


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes true within a minute or two."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
