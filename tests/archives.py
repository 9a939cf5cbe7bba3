"""Folders of photographs and the command that colours them, as a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyvips
from colorize_neural.journal import LOCK, NAME
from colorize_neural.settings import MODELS_VARIABLE

from tests.processes import as_a_user

Done = subprocess.CompletedProcess[str]
SIDE = 48


class Archive:
    """A folder of scans, and the command that is run beside it."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.folder, self.scans, self.out = folder, folder / "scans", folder / "out"
        self.report = folder / "report.json"
        self.strict = False  # whether root, too, is kept from what has no permission
        self.environment = os.environ | {MODELS_VARIABLE: str(models), "XDG_DATA_HOME": str(folder / "data")}

    def add(self, name: str, side: int = SIDE) -> Path:
        """A grey photograph that is like no other."""
        path = self.scans / name
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = np.random.default_rng(len(list(self.scans.rglob("*")))).integers(0, 255, (side, side), np.uint8)
        image = pyvips.Image.new_from_array(grey, interpretation="b-w")
        image.write_to_target(pyvips.Target.new_to_file(str(path)), path.suffix)
        return path

    def command(self, *arguments: str | Path, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "colorize_neural.cli", *arguments],
            cwd=self.folder,
            env=self.environment,
            preexec_fn=self._prepare,  # noqa: PLW1509 - no other thread forks
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def _prepare(self) -> None:
        """The process that is about to start can be interrupted, even where the tests run in the background."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self.strict:
            as_a_user()

    def run(self, *arguments: str | Path) -> Done:
        process = self.command(*(arguments or (self.scans, "-o", self.out)))
        out, errors = process.communicate()
        return Done(process.args, process.returncode, out, errors)

    def colorize(self, *options: str | Path) -> str:
        """All scans -> what was said."""
        done = self.run(self.scans, "-o", self.out, *options)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def results(self) -> dict[str, bytes]:
        """Every file in the folder of results but the journal and its lock, hidden ones too."""
        return contents(self.out)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (NAME, LOCK)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)}


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[Path]:
    """A folder that nobody may look into."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0)
    try:
        yield folder
    finally:
        folder.chmod(0o755)


def is_coloured(photo: bytes) -> bool:
    pixels = pyvips.Image.new_from_buffer(photo, "").numpy().astype(int)
    return pixels.ndim == 3 and bool(np.abs(pixels[..., 0] - pixels[..., 2]).mean() > 5)


def begun(process: subprocess.Popen[str], out: Path) -> None:
    """Returns when a run has its first result, or has ended."""
    while process.poll() is None and not finished(out):
        time.sleep(0.01)


def finished(out: Path) -> set[str]:
    """The results that have their names; those of this archive begin with a digit."""
    return {path.name for path in out.glob("[0-9]*")}
