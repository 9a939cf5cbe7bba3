"""Where photographs cross between a front end and the worker: the tests look for what is left there."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

FOLDERS = (Path("/dev/shm"), Path(tempfile.gettempdir()))


def pixel_files(process: int | str = "*") -> set[Path]:
    """The files that front ends, or the one of that process, have there now."""
    return {file for folder in FOLDERS for file in folder.glob(f"colorize-neural-{process}-*.pixels")}


def left_pixel_files() -> set[Path]:
    """What stays there: a file of another test, which runs at the same time, has a name for a moment only."""
    left, deadline = pixel_files(), time.monotonic() + 10
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left &= pixel_files()
    return left


def pixels_of(process: int) -> Path | None:
    """The photograph that a worker has in work, whose name is gone already; None where it has none."""
    with contextlib.suppress(OSError):
        for opened in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if ".pixels" in str(opened.readlink()):
                    return opened
    return None


def is_coloured_at(process: int, place: int) -> bool:
    """Whether the pixel at that byte, from the end where it is negative, is no longer grey."""
    with contextlib.suppress(OSError):
        file = pixels_of(process)
        if file:
            with file.open("rb") as pixels:
                pixels.seek(place, os.SEEK_END if place < 0 else os.SEEK_SET)
                return len(set(pixels.read(3))) > 1
    return False
