"""Where photographs cross between a front end and the worker: the tests look for what is left there."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

FOLDERS = (Path("/dev/shm"), Path(tempfile.gettempdir()))
MOMENT = 10  # seconds, in which a worker starts on a busy machine and takes the name away


def pixel_files(front_end: int) -> set[Path]:
    """Those of a process."""
    return _files(str(front_end))


def lasting_pixel_files() -> set[Path]:
    """Those of any process that stay there: a test that runs at the same time has some too, each for a moment."""
    lasting, deadline = _files("*"), time.monotonic() + MOMENT
    while lasting and time.monotonic() < deadline:
        time.sleep(0.05)
        lasting &= _files("*")
    return lasting


def _files(front_end: str) -> set[Path]:
    return {file for folder in FOLDERS for file in folder.glob(f"colorize-neural-{front_end}-*.pixels")}


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
