"""The request loop: `python -m colorize_neural.worker` serves one front end over stdin and stdout, see protocol.py.

It ends at once when its input closes, even in mid-work: GIMP kills a cancelled plug-in, which can then tell nobody.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from colorize_neural import __version__, protocol, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Message, Shape

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

    from colorize_neural.worker.colorizer import Colorizer

_SECONDS_BETWEEN = 0.05  # messages of progress, each of which GIMP takes its time to show


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    worker = Worker(answers)
    for line in _lines_from_stdin():
        worker.answer(line)


class Worker:
    """Answers one request after the other; a request that fails is answered too, and the next one is welcome."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._file: BinaryIO | None = None
        self._colorizer: Colorizer | None = None
        self._background: threading.Thread | None = None
        self._told, self._told_at = "", 0.0

    def answer(self, line: bytes) -> None:
        """Handles one line and writes its answer: the process's one place where failures end."""
        try:
            self._handle(line)
        except Exception as error:
            self._say("error", message=settings.sentence_of(error))

    def _handle(self, line: bytes) -> None:
        with _understanding():
            request = protocol.parse(line)
            kind = request["kind"]
        if kind == "hello":
            self._say("hello", version=__version__, protocol=protocol.PROTOCOL)
            self._start(_load_libraries)
        elif kind == "prepare":
            self._start(partial(self._prepare, request))
        elif kind == "check":
            self._check(request)
            self._say("checked")
        elif kind == "open":
            self._open(request)
            self._say("opened")
        elif kind == "colorize":
            self._say("result", **self._colorize(request))
        else:
            raise ColorizeError(_misunderstood(f"there is no {kind!r}"))

    def _start(self, work: Callable[[], None]) -> None:
        """In the background, after what was started before."""
        before = self._background

        def work_in_turn() -> None:
            if before:
                before.join()
            work()

        self._background = threading.Thread(target=work_in_turn, daemon=True)
        self._background.start()

    def _prepare(self, request: Message) -> None:
        with contextlib.suppress(Exception):  # it will be told when a photograph needs what cannot be loaded
            from colorize_neural.worker.colorizer import Options  # noqa: PLC0415 - loads numpy: after hello, not before

            self._ready_colorizer().prepare(Options(**request["options"]))

    def _check(self, request: Message) -> None:
        from colorize_neural.worker import photos  # noqa: PLC0415 - loads libvips

        with _understanding():
            path = Path(request["path"])
        photos.check_is_whole(path)

    def _open(self, request: Message) -> None:
        with _understanding():
            path = Path(request["path"])
        self._file = path.open("r+b")
        with contextlib.suppress(PermissionError):  # on Windows the client removes it in the end
            path.unlink()

    def _colorize(self, request: Message) -> Message:
        if self._background:
            self._background.join()
        from colorize_neural.worker.colorizer import Options  # noqa: PLC0415 - loads numpy: after hello, not before

        with _understanding():
            pixels = self._mapped(Shape(**request["shape"]))
            options, foreseen = Options(**request["options"]), list(map(float, request["foreseen"]))
            progress = self._progress if request["progress"] else _untold
        start = time.monotonic()
        outcome = self._ready_colorizer().colorize(pixels, options, progress, foreseen)
        return asdict(outcome) | {"seconds": time.monotonic() - start}

    def _mapped(self, shape: Shape) -> NDArray[generic]:
        """The shared file as an array, (height, width, channels); it serves one request."""
        import numpy as np  # noqa: PLC0415

        file, self._file = self._file, None
        if file is None:
            raise ValueError("no file is open")
        with file:
            if os.fstat(file.fileno()).st_size != shape.bytes:
                raise ValueError(f"the file does not hold {shape}")
            return np.memmap(file, shape.dtype, "r+", shape=(shape.height, shape.width, shape.channels))

    def _ready_colorizer(self) -> Colorizer:
        from colorize_neural.worker.colorizer import Colorizer  # noqa: PLC0415

        if self._colorizer is None:
            self._colorizer = Colorizer(settings.models_folder(), settings.added_models_folder())
        return self._colorizer

    def _progress(self, fraction: float, text: str) -> None:
        now = time.monotonic()
        if text != self._told or now - self._told_at > _SECONDS_BETWEEN:
            self._told, self._told_at = text, now
            self._say("progress", fraction=float(fraction), text=text)

    def _say(self, kind: str, **entries: object) -> None:
        try:
            protocol.write(self._answers, kind, **entries)
        except OSError:
            os._exit(0)  # nobody listens any more


def _untold(_fraction: float, _text: str) -> None:
    """A preview is there before anybody could see a progress."""


def _load_libraries() -> None:
    """While the front end reads its pixels."""
    from colorize_neural.worker.models import read_ahead, read_models  # noqa: PLC0415

    gc.disable()  # what is loaded stays
    try:
        with contextlib.suppress(ColorizeError):  # it will be told when a photograph comes
            model = read_models(settings.models_folder())[0]
            read_ahead(model)
            from colorize_neural.worker.sessions import open_ahead  # noqa: PLC0415 - loads NumPy and ONNX Runtime

            open_ahead(model)
        import colorize_neural.worker.colorizer  # noqa: F401, PLC0415
    except Exception as error:
        settings.sentence_of(error)  # for the log: NumPy tells the cause only the first time
    finally:
        gc.enable()


@contextlib.contextmanager
def _understanding() -> Iterator[None]:
    """What cannot be read from a request becomes a sentence."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise ColorizeError(_misunderstood(f"{type(error).__name__}: {error}")) from error


def _misunderstood(why: str) -> str:
    return f"The worker does not understand the plug-in ({why}): please run install.py again."


def _lines_from_stdin() -> Iterator[bytes]:
    """Requests as they come, read by a thread that notices the end of the input while a photograph is at work."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read_stdin, args=(lines,), daemon=True).start()
    while True:
        yield lines.get()


def _read_stdin(lines: queue.SimpleQueue[bytes]) -> None:
    rest = b""
    while piece := os.read(0, 65536):  # sys.stdin has a lock that would abort Python at its exit
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    main()
