"""A screen that nobody looks at: Xvfb with a window manager, driven from the keyboard by xdotool."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("Xvfb", "openbox", "xdotool", "import")
SCREENSHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"


class Screen:
    def __init__(self, display: str) -> None:
        self.display = display

    def windows(self, title: str) -> list[str]:
        """Those that are to be seen now, and whose title matches."""
        return self._output("xdotool", "search", "--onlyvisible", "--name", title).split()

    def wait_for(self, title: str, patience: float = 60) -> str:
        """The window whose title matches; TimeoutError shows the screen as it is."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if windows := self.windows(title):
                return windows[-1]
            time.sleep(0.2)
        raise TimeoutError(f'no window "{title}", see {self.screenshot("no-window")}')

    def wait_until_gone(self, title: str, patience: float = 60) -> None:
        deadline = time.monotonic() + patience
        while self.windows(title):
            if time.monotonic() > deadline:
                raise TimeoutError(f'the window "{title}" stays, see {self.screenshot("stays")}')
            time.sleep(0.2)

    def press(self, window: str, *keys: str) -> None:
        """Keys for a window, one after the other."""
        self._output("xdotool", "windowfocus", "--sync", window)
        for key in keys:
            self._output("xdotool", "key", "--clearmodifiers", key)
            time.sleep(0.3)

    def click_cancel(self, window: str) -> None:
        """The button at the right end of an image window's status bar; GIMP has no key for it."""
        told = self._output("xdotool", "getwindowgeometry", "--shell", window).split()
        size = dict(entry.split("=") for entry in told)
        right, bottom = int(size["WIDTH"]) - 40, int(size["HEIGHT"]) - 15
        self._output("xdotool", "mousemove", "--window", window, str(right), str(bottom), "click", "1")

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Presses the left button at one place of the screen and releases it at another."""
        move = ["mousemove", *map(str, start), "mousedown", "1", "mousemove", *map(str, end), "mouseup", "1"]
        self._output("xdotool", *move)

    def pixels(self) -> bytes:
        """All that is shown."""
        environment = os.environ | {"DISPLAY": self.display}
        return subprocess.run(
            ["import", "-window", "root", "rgb:-"], env=environment, capture_output=True, check=True
        ).stdout

    def screenshot(self, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        file = SCREENSHOTS / f"{name}.png"
        self._output("import", "-window", "root", str(file))
        return file

    def _output(self, *command: str) -> str:
        environment = os.environ | {"DISPLAY": self.display}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


@contextlib.contextmanager
def screen(width: int = 1280, height: int = 800) -> Iterator[Screen]:
    """Starts a screen on a free display."""
    reading, writing = os.pipe()
    size = f"{width}x{height}x24"
    server = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    quiet = subprocess.DEVNULL
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ending(subprocess.Popen(server, pass_fds=[writing], stderr=quiet)))
        os.close(writing)
        with os.fdopen(reading) as told:
            shown = Screen(":" + told.readline().strip())
        environment = os.environ | {"DISPLAY": shown.display}
        stack.enter_context(_ending(subprocess.Popen(["openbox"], env=environment, stderr=quiet)))
        yield shown


@contextlib.contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait()
