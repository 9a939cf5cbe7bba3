"""Which photographs there are, and where the result of each goes.

    photographs and folders, OUT  ->  tasks, photograph -> result, in OUT by the name below its folder

Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from colorize_neural import settings
from colorize_neural.errors import ColorizeError

JOURNAL = f".{settings.NAME}.jsonl"  # in a folder of results
SHOWN, SHOWN_KINDS = 5, 12  # names in one sentence
ResultsIn = Callable[[Path], Collection[Path]]


@dataclass(frozen=True)
class Task:
    """One photograph and the file that its colours go to."""

    photo: Path
    result: Path


@dataclass(frozen=True)
class Kinds:
    """Which files are photographs, by their suffixes in small letters, and the suffix of a photograph's result."""

    read: Collection[str]
    result_suffix: Callable[[Path], str]

    def suffix_of(self, file: Path) -> str:
        """Its own, or the one of two parts (".xcf.gz") that it has as one of the kinds."""
        double = "".join(file.suffixes[-2:])
        return double if double.lower() in self.read else file.suffix

    def is_photo(self, file: Path) -> bool:
        return self.suffix_of(file).lower() in self.read


@dataclass
class Plan:
    """What there is to do, a sentence for each folder that cannot be looked into, and what is no photograph."""

    out: Path
    tasks: list[Task] = field(default_factory=list)
    unread: dict[Path, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)  # how many files of each other suffix
    results: list[Path] = field(default_factory=list)  # folders of other runs' results, which are no photographs
    ways_to_out: list[Path] = field(default_factory=list)  # where OUT lies among the photographs
    among_results: list[Path] = field(default_factory=list)  # photographs that lie where the results go

    def __len__(self) -> int:
        """How many photographs and folders there will be something to say of."""
        return len(self.tasks) + len(self.unread)

    def left_alone(self) -> list[str]:
        """Sentences on what is not taken for photographs; some of it may be some after all."""
        told = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in sorted(self.others.items()))
        others = [f"Other files were left alone: {told}."] if told else []
        if self.among_results:
            others.append(self.told_of_results())
        return others + [f"{folder} was left alone with all in it, for it holds results." for folder in self.results]

    def told_of_results(self) -> str:
        """A sentence on the photographs that lie where the results go."""
        count = f"{len(self.among_results)} photograph{'s' * (len(self.among_results) > 1)}"
        return f"Left alone: {count} in {self.out}, where the results go. Name another folder to colour them too."


def plan(sources: Collection[Path], out: Path, kinds: Kinds, results_in: ResultsIn) -> Plan:
    """The tasks of all sources, folders with all below them; ColorizeError where they cannot be done as they are.

    results_in: asked where OUT lies among the photographs, for what runs left there; all others in it are originals
    """
    if os.path.exists(out) and not is_folder(out):  # noqa: PTH110 - False where nobody may look
        raise ColorizeError(f"{out} is a file, but the results need a folder: name another.")
    planned = Plan(out)
    for source in sources:
        for photo, name in _photos(source, kinds, planned, results_in):
            stem = name.name.removesuffix(kinds.suffix_of(name))
            planned.tasks.append(Task(photo, out / name.with_name(f"{stem}{kinds.result_suffix(photo)}")))
    _check_each_result_has_one_photo(planned.tasks)
    _check_no_result_is_a_photo(planned)
    return planned


def is_folder(path: Path) -> bool:
    """Also False where nobody may look: then its reading or writing tells why."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises there


def check_is_file(path: Path) -> None:
    """ColorizeError where `path` can plainly not be a photograph."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            path.open("rb").close()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise ColorizeError(f"There is no file or folder {path}: check the name.") from error
        raise ColorizeError(f"{path} cannot be read ({error.strerror}): change its permissions or copy it.") from error
    if stat.S_ISDIR(status.st_mode):
        raise ColorizeError(f"{path} is a folder: name the photographs in it.")
    if not stat.S_ISREG(status.st_mode):
        raise ColorizeError(f"{path} is no file, but a pipe or a device: save the photograph in a file.")
    if status.st_size == 0:
        raise ColorizeError(f"{path} is empty (0 bytes): fetch it again from where it came from.")


def make_folder(folder: Path) -> None:
    """Where there is none yet; ColorizeError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColorizeError(f"The folder {folder} cannot be made ({error.strerror}): name another.") from error


def _photos(source: Path, kinds: Kinds, planned: Plan, results_in: ResultsIn) -> Iterator[tuple[Path, Path]]:
    """Each photograph with its name in OUT; a file that is named itself is taken whatever its suffix."""
    if not is_folder(source):
        yield source, Path(source.name)
        return
    out = planned.out
    if os.path.realpath(source) == os.path.realpath(out):
        raise ColorizeError(f"The results in {out} would take the names of the photographs: name another folder.")
    found = False
    for file in _files_below(source, planned):
        if kinds.is_photo(file):
            found = True
            yield file, file.relative_to(source)
        else:
            planned.others[file.suffix.lower()] += 1
    leads_to_out = any(way.is_relative_to(source) for way in planned.ways_to_out)
    if leads_to_out:
        results = results_in(out)
        there = filter(kinds.is_photo, _files_below(out, Plan(out)))
        planned.among_results = [photo for photo in there if photo not in results]
    if not found:
        some = [*kinds.read][:SHOWN_KINDS] + ["..."] * (len(kinds.read) > SHOWN_KINDS)
        nothing = f"There is no photograph in {source} or below it ({', '.join(some)}): check the name."
        if any(folder.is_relative_to(source) for folder in planned.results):
            nothing = f"There is no photograph in {source} but in folders of results: move yours out of them."
        if leads_to_out and planned.among_results:
            nothing = planned.told_of_results()
        raise ColorizeError(next(iter(planned.unread.values()), nothing))


def _files_below(folder: Path, planned: Plan) -> Iterator[Path]:
    """By their names, neither results nor what is hidden; nothing of OUT where that lies below the folder.

    Each folder once: links are followed where they lead out of `folder`, to each place by the first.
    """

    def cannot_be_read(error: OSError) -> None:
        where = Path(error.filename)
        planned.unread[where] = (
            f"The folder {where} cannot be read ({error.strerror}): give yourself the right to read it."
        )

    whole, out, seen = Path(os.path.realpath(folder)), os.path.realpath(planned.out), set[str]()
    for here, folders, files in os.walk(folder, followlinks=True, onerror=cannot_be_read):
        real, below = os.path.realpath(here), Path(here) != folder
        leads_back = below and Path(here).is_symlink() and Path(real).is_relative_to(whole)
        is_out = below and real == out
        holds_results = below and JOURNAL in files and not leads_back and real not in seen and not is_out
        if is_out:
            planned.ways_to_out.append(Path(here))
        if holds_results:
            planned.results.append(Path(here))
        if leads_back or holds_results or is_out or real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _check_each_result_has_one_photo(tasks: Iterable[Task]) -> None:
    same: defaultdict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        same[_name_on_disk(task.result)].append(task)
    twice = [
        f"{' and '.join(str(task.photo) for task in tasks)} to {tasks[0].result}"
        for tasks in same.values()
        if len(tasks) > 1
    ]
    if twice:
        more = f" (and {len(twice) - SHOWN} more)" if len(twice) > SHOWN else ""
        raise ColorizeError(
            f"Several photographs would be written to the same file: {'; '.join(twice[:SHOWN])}{more}: "
            "rename one, or colour them into different folders."
        )


def _name_on_disk(file: Path) -> str:
    """The same for all names of one file, where disks commonly do not tell large letters from small ones."""
    return str(file).lower() if sys.platform in ("win32", "darwin") else str(file)


def _check_no_result_is_a_photo(planned: Plan) -> None:
    """Whatever may be overwritten: an original may not."""
    photos = {os.path.realpath(photo) for photo in (*planned.among_results, *(task.photo for task in planned.tasks))}
    for task in planned.tasks:
        if os.path.realpath(task.result) in photos:
            raise ColorizeError(f"{task.result} is one of the photographs: name another folder for the results.")
