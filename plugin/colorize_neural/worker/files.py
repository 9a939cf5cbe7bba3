"""Photographs in files, several at once: what a thread here and an actor on another machine do.

task: photograph -> result   ->   the coloured photograph in a file beside its result, or a sentence why not
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import cv2

from colorize_neural import settings
from colorize_neural.batch import Coloured, Pool, attempt
from colorize_neural.folders import Task, make_folder
from colorize_neural.journal import How
from colorize_neural.worker import photos
from colorize_neural.worker.colorizer import Colorizer, Options

_ROOM = 1 << 30  # bytes of pixels that are at work at once


class FileColorizer:
    """Colours photographs in files by one session, which several threads may share."""

    def __init__(self, options: Options, cores: int = 1) -> None:
        """cores: that one photograph may use; ColorizeError where these options cannot be used."""
        self._options = options
        models, added = settings.models_folder(), settings.added_models_folder()
        self._colorizer = Colorizer(models, added, threads=cores)
        self._model, _ = self._colorizer.prepare(options)
        photos.use_threads(cores)
        cv2.setNumThreads(cores)

    @property
    def how(self) -> How:
        """What a result depends on beside its photograph and the version of this program."""
        told = asdict(self._options) | {"model": self._model.id, "sha256": self._model.sha256}
        told["temperature"] = self._options.temperature or self._model.default_temperature
        del told["device"]
        return told

    def colorize(self, task: Task) -> Coloured:
        return attempt(task, self._write)

    def _write(self, task: Task, file: Path) -> Iterable[str]:
        photograph = photos.read_photograph(task.photo)
        outcome = self._colorizer.colorize(photograph.pixels, self._options, lambda _fraction, _text: None)
        make_folder(task.result.parent)
        photos.save_photograph(photograph, task.result, file)
        return filter(None, (photograph.note, outcome.note))


def threads(colorizer: FileColorizer, jobs: int) -> Pool:
    """A pool of threads, a photograph on each; most of the work is done in libraries that let the others go on."""
    room = _Room(_ROOM)

    def colorize(task: Task) -> Coloured:
        with room.taken(photos.bytes_of(task.photo)):
            return colorizer.colorize(task)

    def pool(tasks: Sequence[Task]) -> Generator[Coloured, None, None]:
        with ThreadPoolExecutor(jobs) as executor:
            try:
                for coloured in as_completed([executor.submit(colorize, task) for task in tasks]):
                    yield coloured.result()
            finally:
                executor.shutdown(cancel_futures=True)

    return pool


class _Room:
    """Bytes that threads share: who wants more than is left waits; who wants more than there is gets all of it."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size
        self._given_back = threading.Condition()

    @contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        wanted = min(wanted, self._size)
        with self._given_back:
            self._given_back.wait_for(lambda: wanted <= self._left)
            self._left -= wanted
        try:
            yield
        finally:
            with self._given_back:
                self._left += wanted
                self._given_back.notify_all()
