"""How far a batch is: what is done, how fast, and what time is left.

Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import os
import sys
import time
from abc import ABC, abstractmethod
from typing import TextIO

_COLUMNS = 80  # of a terminal that tells none
_ANEW = {True: 0.2, False: 30.0}  # seconds between two lines, on a terminal and elsewhere


class Progress(ABC):
    """Counts photographs, and says what remains."""

    def __init__(self, total: int, anew: float) -> None:
        """anew: seconds between two lines, at the least."""
        self._total, self._anew = total, anew
        self._done = self._skipped = 0
        self._start = self._said = time.monotonic()

    def step(self) -> None:
        """One photograph more is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= self._anew:
            self._said = now
            self.show(self._line(now - self._start), (self._skipped + self._done) / self._total)

    def skip(self) -> None:
        """One photograph takes no time."""
        self._skipped += 1

    @abstractmethod
    def show(self, line: str, fraction: float) -> None:
        """Shows the line instead of the one before."""

    @abstractmethod
    def say(self, sentence: str) -> None:
        """Says something that stays."""

    @abstractmethod
    def close(self) -> None:
        """Takes the line away."""

    def _line(self, seconds: float) -> str:
        done, rate = self._skipped + self._done, self._done / seconds
        left = (self._total - done) / rate
        return f"{done:,} of {self._total:,} ({done / self._total:.0%}), {rate:.1f} a second, {_spoken(left)} left"


class TerminalProgress(Progress):
    """One line that is written anew; where the stream is no terminal, a line every half a minute.

    Where nobody reads it any more, the photographs are coloured all the same.
    """

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        super().__init__(total, _ANEW[stream.isatty()])
        self._stream = stream
        self._shown = 0  # characters of the line that stands there

    def show(self, line: str, fraction: float) -> None:
        if not self._stream.isatty():
            self._print(f"{line}\n")
            return
        line = line[: self._columns() - 1]
        self._print(f"\r{line:{self._shown}}")
        self._shown = len(line)

    def say(self, sentence: str) -> None:
        self.close()
        self._print(f"{sentence}\n")

    def close(self) -> None:
        if self._shown:
            self._print(f"\r{' ' * self._shown}\r")
            self._shown = 0

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except OSError:
            return _COLUMNS

    def _print(self, text: str) -> None:
        try:
            print(text, end="", file=self._stream, flush=True)
        except OSError:  # a terminal that is gone has another number than a pipe
            leave_unread(self._stream)


def leave_unread(stream: TextIO) -> None:
    """Sends nowhere what is written to a stream that nobody reads any more; else Python's exit would fail too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _spoken(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
