"""A front end's side of the worker: starts it, hands it pixels in a shared file, brings its failures back as sentences.

    with Client(settings) as client, client.pixels(shape) as pixels:
        pixels.write(...)                                     all rows, from the top
        result = client.colorize(pixels, options, progress)   and now pixels.read(...) gives the coloured rows

Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from io import FileIO
from pathlib import Path
from typing import BinaryIO, cast

from colorize_neural import __version__, protocol, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Message, Shape
from colorize_neural.settings import Settings

Progress = Callable[[float, str], None]  # from 0 to 1, and what is being done
_MISLEADING = ("PYTHON", "GI_TYPELIB", "LD_LIBRARY_PATH")  # of the front end's own Python, not of the worker's
_QUICK_START = {
    "OPENBLAS_NUM_THREADS": "1",  # they would spin for a while, for large matrices that there are none of
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),  # bytes; the largest that glibc allows, and would find by itself, but late
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}
_SHARED_MEMORY = Path("/dev/shm")
_AGAIN = "please run install.py again."


class Pixels:
    """The shared file of one photograph: gone as soon as the `with` ends, or both processes do."""

    def __init__(self, shape: Shape, file: FileIO, path: Path) -> None:
        self.shape, self.path, self._file = shape, path, file

    def write(self, rows: bytes) -> None:
        """Appends whole rows."""
        rest = memoryview(rows)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise ColorizeError(
                f"The pixels found no room in {self.path.parent} ({error.strerror}): please free "
                f"{self.shape.bytes / 1e6:.0f} MB there, or set TMPDIR to a folder with room, and try again."
            ) from error

    def rewind(self) -> None:
        """Lets `read` begin at the top."""
        self._file.seek(0)

    def read(self, rows: int) -> bytes:
        """The next rows."""
        return self._file.read(rows * self.shape.row_bytes)


class Client:
    """One worker process; it ends with the `with`, or with this process."""

    def __init__(self, told: Settings) -> None:
        self._worker = _start(told)
        try:
            _sweep()
            self._check_version()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lives(self) -> bool:
        """Whether it can be asked once more; after an answer that is an error it can."""
        return self._worker.poll() is None

    def prepare(self, options: Mapping[str, object]) -> None:
        """Lets the worker load what `colorize` will need, which will also tell what fails."""
        self._send("prepare", options=dict(options))

    def check_is_whole(self, photo: Path) -> None:
        """ColorizeError where only a part of a photograph can be read, and libvips can tell."""
        self._ask("check", path=str(photo.absolute()))

    @contextlib.contextmanager
    def pixels(self, shape: Shape) -> Iterator[Pixels]:
        """An empty file for one photograph, which the worker has open already."""
        handle, name = tempfile.mkstemp(".pixels", _our_prefix(os.getpid()), _roomy_folder(shape.bytes))
        try:
            with os.fdopen(handle, "r+b", buffering=0) as file:  # a buffer would fail on a full disk once more
                self._ask("open", path=name)
                yield Pixels(shape, file, Path(name))
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()

    def colorize(
        self,
        pixels: Pixels,
        options: Mapping[str, object],
        progress: Progress | None = None,
        foreseen: Sequence[float] = (),
    ) -> Message:
        """Colours `pixels` in place; options are the worker's `Options` by name. -> the `result`, see protocol.py"""
        asked = {"shape": asdict(pixels.shape), "options": dict(options), "foreseen": list(foreseen)}
        result = self._ask("colorize", progress, **asked, progress=progress is not None)
        pixels.rewind()
        return result

    def dismiss(self) -> None:
        """Ends the worker, which nobody needs any more, and does not wait for it."""
        with contextlib.suppress(OSError):
            cast(BinaryIO, self._worker.stdin).close()

    def close(self) -> None:
        """Ends the worker at once; another thread that waits for it gets a ColorizeError."""
        self.dismiss()
        try:
            self._worker.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._worker.kill()
            self._worker.wait()
        cast(BinaryIO, self._worker.stdout).close()  # last, for a thread that reads holds its lock

    def _check_version(self) -> None:
        hello = self._ask("hello")
        if (hello.get("version"), hello.get("protocol")) != (__version__, protocol.PROTOCOL):
            raise ColorizeError(
                f"The plug-in is version {__version__} but its worker is version {hello.get('version')}: {_AGAIN}"
            )

    def _ask(self, kind: str, show: Progress | None = None, **entries: object) -> Message:
        self._send(kind, **entries)
        while True:
            answer = self._answer()
            if answer["kind"] == "error":
                raise ColorizeError(answer["message"])
            if answer["kind"] != "progress":
                return answer
            if show:
                show(answer["fraction"], answer["text"])

    def _send(self, kind: str, **entries: object) -> None:
        with contextlib.suppress(OSError):  # a worker that is gone is noticed by its missing answer
            protocol.write(cast(BinaryIO, self._worker.stdin), kind, **entries)

    def _answer(self) -> Message:
        line = cast(BinaryIO, self._worker.stdout).readline()
        if not line.endswith(b"\n"):
            raise ColorizeError(self._why_gone())
        try:
            return protocol.parse(line)
        except ValueError as error:
            raise ColorizeError(f"What runs as the worker is something else: {_AGAIN}") from error

    def _why_gone(self) -> str:
        status = self._worker.wait()
        if status >= 0:
            return f"The worker ended with an error, which {settings.log_file()} tells: {_AGAIN}"
        return (
            f"The worker was stopped in mid-work (by signal {-status}), perhaps for want of memory: "
            "please close other programs or scale the image down, and try again."
        )


def _start(told: Settings) -> subprocess.Popen[bytes]:
    environment = _QUICK_START | {name: entry for name, entry in os.environ.items() if not name.startswith(_MISLEADING)}
    environment[settings.MODELS_VARIABLE] = str(told.models)
    environment[settings.ADDED_VARIABLE] = str(told.added)
    with settings.open_log() as log:
        try:
            return subprocess.Popen(
                [told.python, "-I", "-m", "colorize_neural.worker"],  # -I: a folder of that name nearby is not meant
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ColorizeError(f"The worker's Python, {told.python}, cannot be started: {_AGAIN}") from error


def _our_prefix(process: int) -> str:
    return f"{settings.NAME}-{process}-"


def _roomy_folder(needed: int) -> Path:
    """Shared memory where it has twice the room that is needed, else the temporary folder."""
    try:
        if os.access(_SHARED_MEMORY, os.W_OK) and shutil.disk_usage(_SHARED_MEMORY).free > 2 * needed:
            return _SHARED_MEMORY
    except OSError:
        pass
    return Path(tempfile.gettempdir())


def _sweep() -> None:
    """Removes the files of front ends that were killed before their worker had unlinked the file."""
    for folder in {_SHARED_MEMORY, Path(tempfile.gettempdir())}:
        for file in folder.glob(f"{settings.NAME}-*-*.pixels"):
            process = file.name.removeprefix(f"{settings.NAME}-").split("-")[0]
            if not (process.isdecimal() and _lives(int(process))):
                with contextlib.suppress(OSError):
                    file.unlink()


def _lives(process: int) -> bool:
    """On Windows unknown, and not needed: a file that is still open cannot be removed there."""
    if sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
