"""The GIMPs of this machine, each started in a profile of its own and asked through `inside.py`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from colorize_neural import settings
from colorize_neural.settings import Settings
from numpy.typing import NDArray

from installer.environment import make_plug_in
from tests.processes import as_a_user, below, command_of

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = REPOSITORY / "plugin"
SAMPLES = REPOSITORY / "samples"
NAMES = ("gimp-console-3.0", "gimp-console-3.2", "gimp-console-3", "gimp-console", "gimp")
PATIENCE = 120  # seconds: a first start asks every plug-in
STRANGE = 'Zoë\'s "été" 写真'

Pixels = NDArray[np.float32]


@cache
def found() -> dict[str, str]:
    """Version -> program, for each GIMP 3 on the PATH."""
    programs: dict[str, str] = {}
    for name in NAMES:
        program = shutil.which(name)
        version = program and re.search(r"version (3\.\d+)", _output(program, "--version"))
        if program and version:
            programs.setdefault(version[1], program)
    return programs


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@dataclass(frozen=True)
class Photo:
    """An image with one layer: a grey ramp (and one of alpha where it has it), on a canvas of 80 x 60 pixels."""

    base: str = "RGB"
    precision: str = "U8_NON_LINEAR"
    alpha: bool = False
    size: tuple[int, int] = (60, 40)
    offsets: tuple[int, int] = (7, 11)
    selection: tuple[int, int, int, int] | None = None  # left, top, width, height on the canvas
    canvas: tuple[int, int] = (80, 60)
    profile: str | None = None  # a constructor of Gimp.ColorProfile or a space of babl's; None: the built-in sRGB
    sample: str | None = None  # a file in samples/, instead of the ramp

    def pixels(self) -> Pixels:
        """(height, width, 4), sRGB 0..1."""
        width, height = self.size
        if self.sample:
            return _sample(self.sample)[:height, :width]
        ramp = np.ones((height, width, 4), np.float32)
        ramp[..., :3] = np.linspace(0, 1, width)[None, :, None]
        if self.alpha:
            ramp[..., 3] = np.linspace(0.2, 1, height)[:, None]
        return ramp


def of_sample(name: str, precision: str) -> Photo:
    """A photograph of samples/ that fills its canvas."""
    height, width = _sample(name).shape[:2]
    return Photo(precision=precision, sample=name, size=(width, height), canvas=(width, height), offsets=(0, 0))


@cache
def _sample(name: str) -> Pixels:
    rgb = pyvips.Image.new_from_file(str(SAMPLES / name)).colourspace("srgb").numpy()
    return np.dstack([rgb, np.full(rgb.shape[:2], 255)]).astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class LayerState:
    name: str
    mode: int
    offsets: tuple[int, int]
    size: tuple[int, int]
    alpha: bool
    opacity: float
    shown: bool
    parent: str | None
    mask: bool
    pixels: Pixels


@dataclass(frozen=True)
class State:
    """All that a user could see of an image; layers from the top."""

    base: str
    precision: int
    layers: list[LayerState]
    visible: Pixels
    selected: bool
    selected_layers: list[str]

    def same_as(self, other: State) -> bool:
        """Equal in everything, pixels value for value."""
        np.testing.assert_equal(asdict(self), asdict(other))
        return True


class Image:
    """An image in a GIMP."""

    def __init__(self, gimp: Gimp, photo: Photo) -> None:
        arguments = asdict(photo) | {"pixels": photo.pixels().tobytes()}
        del arguments["sample"]
        self.photo, self._gimp = photo, gimp
        self._id = gimp.ask("new_image", **arguments)

    def do(self, name: str, **arguments: object) -> Any:
        """Calls a function of `inside.py` for this image."""
        return self._gimp.ask(name, image=self._id, **arguments)

    def start(self, name: str, **arguments: object) -> None:
        """As `do`, but the answer comes later."""
        self._gimp.send(name, image=self._id, **arguments)

    def colorize(self, **arguments: object) -> tuple[str, str]:
        """Status and message of the procedure, called through the PDB."""
        status, message = self.do("colorize", **arguments)
        return status, message

    def names(self) -> list[str]:
        """Of all layers, from the top."""
        return [*self.do("names")]

    def state(self) -> State:
        seen = self.do("state")
        width, height = self.photo.canvas
        seen["layers"] = [
            LayerState(**layer | {"pixels": _array(layer["pixels"], layer["size"])}) for layer in seen["layers"]
        ]
        return State(**seen | {"visible": _array(seen["visible"], (width, height))})


def _array(pixels: bytes, size: tuple[int, int]) -> Pixels:
    return np.frombuffer(pixels, np.float32).reshape(size[1], size[0], 4)


class Gimp:
    """A running GIMP, with the plug-in in its profile."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection, plugin: Path) -> None:
        self.process, self.plugin, self._connection = process, plugin, connection

    def send(self, name: str, **arguments: object) -> None:
        self._connection.send((name, arguments))

    def has_answered(self) -> bool:
        return self._connection.poll(0.02)

    def answer(self) -> Any:
        if not self._connection.poll(PATIENCE):
            raise TimeoutError("GIMP does not answer")
        answer, failure = self._connection.recv()
        if failure:
            raise RuntimeError(failure)
        return answer

    def ask(self, name: str, **arguments: object) -> Any:
        """Calls a function of `inside.py`."""
        self.send(name, **arguments)
        return self.answer()

    @contextlib.contextmanager
    def image(self, photo: Photo) -> Iterator[Image]:
        image = Image(self, photo)
        yield image
        image.do("delete")

    @contextlib.contextmanager
    def told(self, **entries: Path) -> Iterator[None]:
        """Other settings for a while."""
        usual = settings.read(self.plugin)
        settings.write(self.plugin, replace(usual, **entries))  # type: ignore[arg-type]
        yield
        settings.write(self.plugin, usual)

    def workers(self) -> list[int]:
        """The worker processes below this GIMP."""
        return self._below("colorize_neural.worker")

    def calls(self) -> list[int]:
        """The processes of the plug-in."""
        return self._below("colorize-neural.py")

    def _below(self, command: str) -> list[int]:
        return [process for process in below(self.process.pid) if command in command_of(process)]

    def wait_for_workers(self) -> list[int]:
        deadline = time.monotonic() + PATIENCE
        while not self.workers() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.workers()


def make_profile(folder: Path, worker: Settings) -> Path:
    """A user's folder of GIMP with the plug-in installed; all names are strange -> the plug-in's folder."""
    plugin = folder / "plug-ins" / settings.NAME
    environment = folder / "environment"
    environment.parent.mkdir(parents=True, exist_ok=True)
    environment.symlink_to(worker.python.parent.parent)
    make_plug_in(plugin, replace(worker, python=environment / "bin" / worker.python.name))
    (folder / "gimprc").write_text("(check-updates no)\n")
    (folder / "sessionrc").write_text("(hide-docks yes)\n")
    return plugin


@contextlib.contextmanager
def running(program: str, profile: Path, *options: str, **environment: str) -> Iterator[Gimp]:
    """Starts GIMP in a profile that `make_profile` made; its output goes to gimp.log there."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        inside = Path(__file__).with_name("inside.py")
        batch = f"exec(compile(open({str(inside)!r}).read(), 'inside.py', 'exec'), {{}})"
        own = {"GIMP3_DIRECTORY": str(profile), "XDG_DATA_HOME": str(profile), "INSIDE_GIMP": address}
        with (profile / "gimp.log").open("wb") as log:
            process = subprocess.Popen(
                [program, *options, "--quit", "--batch-interpreter=python-fu-eval", "-b", batch],
                env=os.environ | own | environment,
                preexec_fn=as_a_user,  # noqa: PLW1509 - no other thread forks
                stdout=log,
                stderr=log,
            )
        try:
            with _connection(process, address) as connection:
                yield Gimp(process, connection, profile / "plug-ins" / settings.NAME)
            process.wait(timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()


def _connection(process: subprocess.Popen[bytes], address: str) -> Connection:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            return Client(address, "AF_UNIX")
        time.sleep(0.1)
    raise RuntimeError("GIMP does not start")
