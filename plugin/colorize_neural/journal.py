"""What a folder of results remembers: which of its files are ours, of which photograph each was made, and how.

    OUT/.colorize-neural.jsonl, a line a result:  {"result", "stamp", "photo", "photo_stamp", "how"}

A result is written under another name first. Then comes its line, and only then its own name: a run that is killed
anywhere leaves results that are whole and known, and what it left beside them is swept by the next.
Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import JOURNAL, Task, make_folder
from colorize_neural.lock import lock

NAME, LOCK = JOURNAL, f".{settings.NAME}.lock"
_BESIDE = f".{settings.NAME}-"
FULL = (errno.ENOSPC, errno.EDQUOT)
_LEAST_ROOM = 1 << 20  # bytes
#   nanoseconds: the times of NTFS, of archives and programs that copy, of exFAT, tar and FAT
_GRAINS = (100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)
How = dict[str, Any]
Stamp = list[int]  # size, and time of the last change in nanoseconds


def beside(result: Path) -> Path:
    """A new name in the result's folder, where it is written before it is known."""
    return result.with_name(f"{_BESIDE}{uuid.uuid4().hex}{result.suffix}")


def discard(written: Path, error: BaseException) -> bool:
    """Removes what was to become a result -> whether the disk is full, and that was the error."""
    full = getattr(error.__cause__, "errno", None) in FULL or (os.path.lexists(written) and not _has_room(written))
    with contextlib.suppress(OSError):
        written.unlink()
    return full


def _has_room(file: Path) -> bool:
    """Whether a file beside it can grow: the libraries that write photographs tell of no error number."""
    probe = beside(file)
    try:
        with probe.open("wb") as stream:
            stream.write(bytes(_LEAST_ROOM))
            os.fsync(stream.fileno())
    except OSError as error:
        return error.errno not in FULL
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    return True


class Journal:
    """The journal of one folder of results."""

    def __init__(self, out: Path) -> None:
        """Nothing is known before it is `held` or `read`."""
        self._out = out
        self._file: BinaryIO | FileIO | None = None
        self._lines: dict[str, dict[str, Any]] = {}  # the last line of each result
        self._ours: defaultdict[str, list[Stamp]] = defaultdict(list)  # of each result, all that it ever had

    @contextlib.contextmanager
    def held(self, folders: Collection[Path]) -> Iterator[None]:
        """Makes the folder, keeps other runs from it, and sweeps the folders in it that results go to.

        ColorizeError where that cannot be.
        """
        make_folder(self._out)
        try:
            guard, file = (self._out / LOCK).open("w"), (self._out / NAME).open("ab", buffering=0)
        except OSError as error:
            raise ColorizeError(f"Nothing can be written to {self._out} ({error.strerror}): name another.") from error
        with guard, file:
            if not lock(guard):
                raise ColorizeError(f"Another run is writing to {self._out}: wait until it has ended.")
            self._file = file
            self.read()
            _sweep(folders)
            try:
                yield
            finally:
                _sweep(folders)

    def is_done(self, task: Task, how: How) -> bool:
        """Whether the result is there as we wrote it, of this very photograph, and would come out the same."""
        line = self._line_of(task, how)
        return line is not None and _is_as_noted(stamp(task.result), line["stamp"])

    def was_changed(self, task: Task, how: How) -> bool:
        """Whether it was done, and somebody wrote something else there later."""
        line, there = self._line_of(task, how), stamp(task.result)
        if line is None or there is None or self.is_free(task.result):
            return False
        (size, changed), (_, made) = there, line["stamp"]
        return size > 0 and changed > made

    def _line_of(self, task: Task, how: How) -> dict[str, Any] | None:
        """What tells that a result was made of this very photograph, and would come out the same."""
        line = self._lines.get(self._name(task.result))
        current = line is not None and line["how"] == how and _is_as_noted(stamp(task.photo), line["photo_stamp"])
        return line if current else None

    def is_free(self, result: Path) -> bool:
        """Whether nothing is lost when the result is written: there is none, or one that is ours and unchanged."""
        there = stamp(result)
        if there is None:
            return not os.path.lexists(result)  # a link may lead to a disk that is away
        return any(_is_as_noted(there, noted) for noted in self._ours[self._name(result)])

    def keep(self, task: Task, photo_stamp: Stamp | None, how: How, written: Path) -> None:
        """Notes the result, and gives the written file its name; OSError where that fails."""
        line = {
            "result": self._name(task.result),
            "stamp": _stamp_of(written.stat()),
            "photo": str(task.photo.absolute()),
            "photo_stamp": photo_stamp,
            "how": how,
        }
        assert self._file is not None, "a journal is held before it is written to"
        text = f"\n{json.dumps(line)}".encode()  # the line break comes first: the line before may be cut
        if self._file.write(text) != len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())
        self._learn(line)
        written.replace(task.result)

    def read(self) -> None:
        """What is known so far; ColorizeError where nobody may look."""
        try:
            lines = (self._out / NAME).read_bytes().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise ColorizeError(f"{self._out} cannot be read ({error.strerror}): name another folder.") from error
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a killed run's last line may be cut
                self._learn(json.loads(line))

    def results(self) -> set[Path]:
        """All that ever were, whether they are still there or not."""
        return {self._out / name for name in self._lines}

    def _learn(self, line: dict[str, Any]) -> None:
        """ValueError, KeyError or TypeError where it is no line of ours."""
        size, changed = line["stamp"]
        known = {"how": line["how"], "stamp": [size, changed], "photo_stamp": line["photo_stamp"]}
        self._ours[line["result"]].append([size, changed])
        self._lines[line["result"]] = known

    def _name(self, result: Path) -> str:
        return result.relative_to(self._out).as_posix()


def results_in(out: Path) -> set[Path]:
    """What runs left in this folder of results; ColorizeError where nobody may look."""
    journal = Journal(out)
    journal.read()
    return journal.results()


def _sweep(folders: Collection[Path]) -> None:
    """Removes what was written beside results and did not get their names."""
    for folder in folders:
        with contextlib.suppress(OSError):  # where nobody may look, nothing was written either
            for left in folder.glob(f"{_BESIDE}*"):
                left.unlink(missing_ok=True)


def stamp(file: Path) -> Stamp | None:
    """None where there is no file."""
    try:
        return _stamp_of(file.stat())
    except OSError:
        return None


def _is_as_noted(there: Stamp | None, noted: Stamp | None) -> bool:
    """Whether a file is as noted; a copy of it too, where its time was cut or rounded to what can be kept there."""
    if noted is None or there is None or noted[0] != there[0]:
        return noted == there
    off = abs(noted[1] - there[1])
    return off == 0 or any(there[1] % grain == 0 and off < grain for grain in _GRAINS)


def _stamp_of(status: os.stat_result) -> Stamp:
    return [status.st_size, status.st_mtime_ns]
