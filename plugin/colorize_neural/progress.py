"""How far a batch is: one line on a terminal that is written anew, elsewhere a line every half a minute.

Standard library only.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

_ANEW = {True: 0.2, False: 30.0}  # seconds between two lines, on a terminal and elsewhere


class Progress:
    """Counts photographs, and says what remains."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._total, self._stream, self._terminal = total, stream, stream.isatty()
        self._done = self._skipped = 0
        self._start = self._said = time.monotonic()
        self._shown = 0  # characters of the line that stands there

    def step(self) -> None:
        """One photograph more is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= _ANEW[self._terminal]:
            self._said = now
            self._show(self._line(now - self._start))

    def skip(self) -> None:
        """One photograph takes no time."""
        self._skipped += 1

    def say(self, sentence: str) -> None:
        """Says something that stays."""
        self.close()
        print(sentence, file=self._stream, flush=True)

    def close(self) -> None:
        """Takes the line away."""
        if self._shown:
            print(f"\r{' ' * self._shown}\r", end="", file=self._stream, flush=True)
            self._shown = 0

    def _line(self, seconds: float) -> str:
        done, rate = self._skipped + self._done, self._done / seconds
        left = (self._total - done) / rate
        return f"{done:,} of {self._total:,} ({done / self._total:.0%}), {rate:.1f} a second, {_spoken(left)} left"

    def _show(self, line: str) -> None:
        if not self._terminal:
            print(line, file=self._stream, flush=True)
            return
        line = line[: os.get_terminal_size(self._stream.fileno()).columns - 1]
        print(f"\r{line:{self._shown}}", end="", file=self._stream, flush=True)
        self._shown = len(line)


def _spoken(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
