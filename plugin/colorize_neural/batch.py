"""Many photographs: what is done already is left out, the rest goes through a pool, and all is told of at the end.

plan  ->  a pool writes each coloured photograph beside its result  ->  the journal notes it and gives it its name

Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorize_neural import __version__, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Plan, Task, is_folder
from colorize_neural.journal import FULL, How, Journal, Stamp, beside, discard, stamp
from colorize_neural.progress import Progress

DONE, SKIPPED, FAILED, LEFT = STATUSES = "done", "skipped", "failed", "left"


@dataclass(frozen=True)
class Coloured:
    """What became of one photograph; `written` is None where it failed, and `why` says why."""

    task: Task
    photo_stamp: Stamp | None  # of the photograph that was read
    written: Path | None = None
    why: str = ""
    notes: tuple[str, ...] = ()  # what the user should know of it
    disk_full: bool = False  # which no other photograph would change


Pool = Callable[[Sequence[Task]], Generator[Coloured, None, None]]


def attempt(task: Task, write: Callable[[Task, Path], Iterable[str]]) -> Coloured:
    """`write` colours the photograph into the file it is given, and tells what the user should know of it.

    Whatever goes wrong is told in the answer, for the other photographs are worth going on.
    """
    read, written = stamp(task.photo), beside(task.result)
    try:
        notes = tuple(write(task, written))
    except Exception as error:
        sentence = settings.sentence_of(error)
        why = sentence if str(task.photo) in sentence else f"{task.photo}: {sentence}"
        return Coloured(task, read, why=why, disk_full=discard(written, error))
    return Coloured(task, read, written, notes=notes)


@dataclass
class Summary:
    """What became of every photograph, in the order in which it did."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""  # why the run ended before its end

    def count(self, status: str) -> int:
        return Counter(entry["status"] for entry in self.entries)[status]

    def __str__(self) -> str:
        coloured, skipped, failed, left = map(self.count, STATUSES)
        rest = f", {left} are left" if left else ""
        return f"{coloured} coloured in {self.seconds:.0f} s, {skipped} were done before, {failed} failed{rest}."

    def write(self, report: Path, how: How) -> None:
        """As JSON, all of it or nothing; ColorizeError where that fails. A run that did not begin tells nothing."""
        if self.stopped and not self.entries:
            return
        counts = {status: self.count(status) for status in STATUSES}
        told = {
            "version": __version__,
            "how": how,
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped,
            **counts,
        }
        try:
            settings.write_json(report, told | {"photographs": self.entries})
        except OSError as error:
            raise ColorizeError(f"The report {report} cannot be written ({error.strerror}): name another.") from error


def check_report(report: Path) -> None:
    """ColorizeError where it can plainly not be written, or would replace anything else, before any work is done."""
    if not is_folder(report.absolute().parent):
        raise ColorizeError(f"There is no folder {report.absolute().parent}: make it first, or name another.")
    if not os.path.lexists(report):
        return
    try:
        text = report.read_text(encoding="utf-8") if report.is_file() else None  # a device, or a link to nothing
        is_ours = text is not None and (not text or "photographs" in dict(json.loads(text)))
    except (OSError, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise ColorizeError(f"{report} is there and no earlier report: name another file for this one.")


class Batch:
    """One run over a plan: `summary` tells what became of it, as far as it is."""

    def __init__(self, planned: Plan, how: How, overwrite: bool, progress: Progress) -> None:
        self.summary = Summary()
        self._planned, self._how, self._overwrite = planned, how, overwrite
        self._journal = Journal(planned.out)
        self._progress = progress
        self._told: set[str] = set()
        self._kept: Coloured | None = None  # the last one whose result got its name, or was to get it

    def run(self, pool: Pool) -> None:
        """Colours what is not done yet; ColorizeError where the run as a whole cannot go on."""
        try:
            self._run(pool)
        except ColorizeError as error:
            self.summary.stopped = str(error)
            raise
        except KeyboardInterrupt:
            self.summary.stopped = "Stopped by the user, or by a machine that shuts down."
            raise

    def _run(self, pool: Pool) -> None:
        start = time.monotonic()
        folders = {task.result.parent for task in self._planned.tasks}
        with self._journal.held(folders), closing(self._progress):
            tasks = self._left()
            try:
                with closing(pool(tasks)) as results:
                    for coloured in results:
                        self._put_away(coloured)
                        self.summary.seconds = time.monotonic() - start
            finally:
                told = {entry["photo"] for entry in self.summary.entries}
                for task in tasks:
                    if str(task.photo) not in told:
                        self._tell_of_the_end(task)

    def _tell_of_the_end(self, task: Task) -> None:
        """A run may be stopped just before it tells of a result that has its name."""
        kept = self._kept
        if kept and kept.task == task and self._journal.is_done(task, self._how):
            self._add(DONE, task.photo, kept.notes, result=str(task.result))
        else:
            self._add(LEFT, task.photo)

    def left(self) -> list[Task]:
        """What `run` would do; nothing is written."""
        self._journal.read()
        return self._left()

    def _left(self) -> list[Task]:
        """What is to be done; what is done, and what cannot be, goes into the summary."""
        for folder, why in self._planned.unread.items():
            self._fail(folder, why)
        return [task for task in self._planned.tasks if self._is_left(task)]

    def _is_left(self, task: Task) -> bool:
        if is_folder(task.result):
            self._fail(task.photo, f"{task.result} is a folder: move it away, or name another for the results.")
            return False
        if self._overwrite:
            return True
        if self._journal.is_done(task, self._how):
            self._skip(task)
            return False
        if self._journal.was_changed(task, self._how):
            self._skip(task, f"{task.result} was changed since it was made, and stays as it is.")
            return False
        return self._is_free(task)

    def _is_free(self, task: Task) -> bool:
        if self._overwrite or self._journal.is_free(task.result):
            return True
        why = f"{task.result} is there and not as this program left it: move it away, or choose to overwrite."
        self._fail(task.photo, why)
        return False

    def _put_away(self, coloured: Coloured) -> None:
        task = coloured.task
        if coloured.written is None:
            self._fail(task.photo, coloured.why)
            if coloured.disk_full:
                raise _disk_full(task)
            return
        if not self._is_free(task):  # it was when the run began, but the user may have worked on it
            return
        self._kept = coloured
        try:
            self._journal.keep(task, coloured.photo_stamp, self._how, coloured.written)
        except OSError as error:
            self._fail(task.photo, f"{task.result} cannot be put in its place ({error.strerror}): close it elsewhere.")
            if error.errno in FULL:
                raise _disk_full(task) from error
            return
        self._add(DONE, task.photo, coloured.notes, result=str(task.result))
        self._progress.step()

    def _skip(self, task: Task, *notes: str) -> None:
        self._add(SKIPPED, task.photo, notes, result=str(task.result))
        self._progress.skip()

    def _fail(self, photo: Path, why: str) -> None:
        self._add(FAILED, photo, why=why)
        self._progress.say(why)
        self._progress.step()

    def _add(self, status: str, photo: Path, notes: Collection[str] = (), **told: str) -> None:
        noted = {"notes": [*notes]} if notes else {}
        self.summary.entries.append({"photo": str(photo), "status": status, **told, **noted})
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._progress.say(note)


def _disk_full(task: Task) -> ColorizeError:
    return ColorizeError(f"The disk of {task.result.parent} is full: make room, and start again: what is done is kept.")
