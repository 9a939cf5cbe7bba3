"""A GIMP with windows and the keyboard before it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.gimp.gimps import PATIENCE, Gimp, Image, Photo
from tests.gimp.screen import Screen


@dataclass(frozen=True)
class Desk:
    gimp: Gimp
    screen: Screen

    @contextlib.contextmanager
    def window(self, photo: Photo) -> Iterator[tuple[Image, str]]:
        """An image in a window of its own: (the image, its window)."""
        with self.gimp.image(photo) as image:
            image.do("show")
            window = self.screen.wait_for(r"^\*?\[Untitled\].*GIMP$")
            yield image, window

    def choose_from_menu(self, window: str) -> None:
        self.screen.press(window, "alt+c", "z")

    def dialog(self, window: str) -> str:
        """Opens the dialog from the menu."""
        self.choose_from_menu(window)
        return self.screen.wait_for(r"^Colorize \(neural\)$")

    def close_welcome(self) -> None:
        """GIMP greets who starts it for the first time, sooner or later."""
        with contextlib.suppress(TimeoutError):
            self.screen.press(self.screen.wait_for("^Welcome to GIMP", patience=30), "Escape")


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes true within a minute or two."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True
