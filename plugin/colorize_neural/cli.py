"""The `colorize-neural` command: photographs in files, without GIMP.

colorize-neural PHOTO -o OUT [options]    colorize-neural FOLDER... -o OUT [options]    colorize-neural models [ACTION]
"""

from __future__ import annotations

import _thread
import argparse
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_neural import __version__, protocol, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.parser import Parser
from colorize_neural.progress import leave_unread

if TYPE_CHECKING:
    from colorize_neural.batch import Pool, Summary
    from colorize_neural.journal import How
    from colorize_neural.worker.colorizer import Options, Progress
    from colorize_neural.worker.files import FileColorizer

FOR_FOLDERS = ("cores", "format", "jobs", "ray", "report")
_GRACE = 3  # seconds to remove what is half-written, before a network that still computes is no longer waited for


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 after one sentence on stderr for each thing that went wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _manage_models(arguments[1:]) if list(arguments[:1]) == ["models"] else _colorize(arguments)
    except KeyboardInterrupt:
        return _say("Stopped: nothing is half-written, and the same command goes on where this one stopped.")
    except BrokenPipeError:
        leave_unread(sys.stdout)  # that nobody reads a list to its end is no failure
        return 0
    except Exception as error:
        return _say(settings.sentence_of(error))


def _stop(_signal: int, _frame: object) -> None:
    """SIGTERM ends a run as Ctrl+C does, and another one does not disturb the end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _manage_models(arguments: Sequence[str]) -> int:
    from colorize_neural import models_command  # noqa: PLC0415, --help needs no ONNX Runtime

    return models_command.main(arguments)


def _colorize(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)

    from colorize_neural.folders import is_folder  # noqa: PLC0415, --help needs neither this
    from colorize_neural.worker.colorizer import Options  # noqa: PLC0415, nor ONNX Runtime

    chosen.temperature = chosen.temperature or None  # 0 as in GIMP
    options = Options(**{field.name: getattr(chosen, field.name) for field in fields(Options)})
    if len(chosen.photos) > 1 or is_folder(chosen.photos[0]) or any(getattr(chosen, name) for name in FOR_FOLDERS):
        if chosen.progress:
            raise ColorizeError("--progress is for one photograph into one file: leave it out.")
        return _colorize_many(chosen, options)
    if chosen.progress and chosen.dry_run:
        raise ColorizeError("--dry-run does nothing that --progress could tell of: leave one of them out.")
    if chosen.progress:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    progress = _report if chosen.progress else lambda _fraction, _text: None
    _colorize_one(chosen, options, progress)
    return 0


def _colorize_one(chosen: argparse.Namespace, options: Options, progress: Progress) -> None:
    """Writes the coloured photograph, to a file or into a folder, and says what the user should know of it."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415, --help needs no logging, which it loads

    from colorize_neural.folders import check_is_file, is_folder  # noqa: PLC0415
    from colorize_neural.worker import photos  # noqa: PLC0415, --help needs no libvips
    from colorize_neural.worker.colorizer import Colorizer  # noqa: PLC0415

    (photo,), out = chosen.photos, chosen.out
    target = out / f"{photo.stem}{photos.result_suffix(photo)}" if is_folder(out) else out
    colorizer = Colorizer(settings.models_folder(), settings.added_models_folder())
    check_is_file(photo)
    if photos.are_same(target, photo):
        raise ColorizeError(f"The result would take the place of {photo}: name another file or folder.")
    photos.check_can_write(target, chosen.overwrite)
    if chosen.dry_run:
        colorizer.prepare(options)
        print(f"{photo} -> {target}")
        return
    with ThreadPoolExecutor(1) as reader:  # while the model is loaded
        reading = reader.submit(photos.read_photograph, photo)
        colorizer.prepare(options)
    photograph = reading.result()
    outcome = colorizer.colorize(photograph.pixels, options, progress)
    photos.check_can_write(target, chosen.overwrite)  # once more: meanwhile another command may have written it
    photos.write_photograph(photograph, target)
    for note in filter(None, (photograph.note, outcome.note)):
        print(note, file=sys.stderr)


def _report(fraction: float, text: str) -> None:
    """Tells a program on stdout how far the photograph is."""
    protocol.write(sys.stdout.buffer, "progress", fraction=float(fraction), text=text)


def _end_with_stdin() -> None:
    """A program that is killed can tell nobody; its end of the pipe closes, and this process ends as by SIGTERM."""
    while os.read(0, 65536):  # sys.stdin has a lock that would abort Python at its exit
        pass
    _thread.interrupt_main(signal.SIGTERM)
    time.sleep(_GRACE)
    print("Stopped, for the program that wanted the progress closed this one's input.", file=sys.stderr, flush=True)
    os._exit(1)


def _colorize_many(chosen: argparse.Namespace, options: Options) -> int:
    """Exit code 1 where a photograph failed; each has told why."""
    from colorize_neural.batch import FAILED, SKIPPED, Batch  # noqa: PLC0415, --help needs none of these
    from colorize_neural.folders import Kinds, plan  # noqa: PLC0415
    from colorize_neural.journal import results_in  # noqa: PLC0415
    from colorize_neural.progress import TerminalProgress  # noqa: PLC0415
    from colorize_neural.worker import files, photos  # noqa: PLC0415

    _check_places(chosen)
    suffix = f".{chosen.format}" if chosen.format else None
    kinds = Kinds(photos.READ, lambda photo: suffix or photos.result_suffix(photo))
    planned = plan(chosen.photos, chosen.out, kinds, results_in)
    colorizer = files.FileColorizer(replace(options, device="cpu") if chosen.ray else options)
    progress = TerminalProgress(len(planned))
    batch = Batch(planned, colorizer.how, chosen.overwrite, progress)
    if chosen.dry_run:
        left = batch.left()
        for task in left:
            print(f"{task.photo} -> {task.result}")
        told = f"{len(left)} would be coloured, {batch.summary.count(SKIPPED)} are done."
        print(told, *planned.left_alone(), sep="\n", file=sys.stderr)
        return min(batch.summary.count(FAILED), 1)
    try:
        batch.run(_pool(chosen, options, colorizer))
    finally:
        if batch.summary.entries:
            progress.say("\n".join([str(batch.summary), *planned.left_alone()]))
        unreported = _report_to(chosen.report, batch.summary, colorizer.how)
    return min(batch.summary.count(FAILED) + unreported, 1)


def _report_to(report: Path | None, summary: Summary, how: How) -> int:
    """Exit code 1, and a sentence, where a report is wanted and cannot be written."""
    try:
        if report:
            summary.write(report, how)
    except ColorizeError as error:  # beside what may have stopped the run
        return _say(str(error))
    return 0


def _check_places(chosen: argparse.Namespace) -> None:
    """ColorizeError where results or a report can plainly not be written as they are wanted."""
    from colorize_neural.batch import check_report  # noqa: PLC0415, --help needs neither this
    from colorize_neural.folders import is_folder  # noqa: PLC0415
    from colorize_neural.worker.photos import FORMATS  # noqa: PLC0415, nor libvips

    if chosen.cores and not chosen.ray:
        raise ColorizeError("--cores is for --ray: leave it out.")
    if chosen.report and chosen.dry_run:
        raise ColorizeError("--dry-run does nothing that --report could tell of: leave one of them out.")
    if chosen.report:
        check_report(chosen.report)
    if chosen.out.suffix.lower() in FORMATS and not is_folder(chosen.out):
        if len(chosen.photos) > 1 or is_folder(chosen.photos[0]):
            raise ColorizeError(f"{chosen.out} is the name of a file, but the results need a folder: name another.")
        option = next(name for name in FOR_FOLDERS if getattr(chosen, name))
        raise ColorizeError(f"--{option} is for results in a folder, but {chosen.out} names a file: name a folder.")


def _pool(chosen: argparse.Namespace, options: Options, colorizer: FileColorizer) -> Pool:
    """Where the photographs are coloured: threads of this process, or a cluster."""
    from colorize_neural import cluster  # noqa: PLC0415, --help needs none of these
    from colorize_neural.worker import files  # noqa: PLC0415
    from colorize_neural.worker.cores import cores  # noqa: PLC0415

    if chosen.ray:
        return cluster.actors(options, colorizer.how, chosen.ray, chosen.jobs, chosen.cores or 1)
    return files.threads(colorizer, chosen.jobs or cores() + 1)  # one may wait for the disk


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=settings.NAME,
        description="Gives black-and-white photographs their colours.",
        epilog=f'"{settings.NAME} models" lists the models and adds others (a photograph of that name is ./models).',
    )
    parser.add_argument("photos", nargs="+", type=_path, metavar="PHOTO", help="PNG, JPEG, TIFF, WebP, ... or a folder")
    parser.add_argument(
        "-o", "--out", type=_path, required=True, help="a file for one photograph, a folder for several"
    )
    parser.add_argument("--model", default="", help=f'an id that "{settings.NAME} models" lists (default: the first)')
    parser.add_argument("--temperature", type=float, help="0.05 (bold) to 1 (even) (default: 0, the model's own)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 2, multiplies the chroma (default: 1)")
    parser.add_argument("--warmth", type=float, default=0.0, help="-1 (colder) to 1 (warmer) (default: 0)")
    yes_or_no = argparse.BooleanOptionalAction
    parser.add_argument(
        "--edge-guidance", action=yes_or_no, default=True, help="colours end where things end (default)"
    )
    parser.add_argument("--equalize", action=yes_or_no, default=False, help="for hard black-and-white photographs")
    parser.add_argument("--device", default="auto", help="auto, cpu or gpu (default: auto)")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    many = parser.add_argument_group("for folders, and photographs into a folder")
    many.add_argument("--format", choices=("png", "jpeg", "tiff", "webp"), help="of the results (default: its own)")
    many.add_argument("--jobs", type=_count, help="photographs at work at once (default: one more than cores)")
    many.add_argument("--report", type=_path, metavar="FILE", help="tell what became of each photograph, as JSON")
    many.add_argument(
        "--ray", nargs="?", const="local", metavar="ADDRESS", help="on a Ray cluster (default: of this machine)"
    )
    many.add_argument("--cores", type=_count, help="for each photograph on a Ray cluster (default: 1)")
    parser.add_argument(
        "--progress", action="store_true", help="for programs: JSON lines on stdout; it stops when its stdin closes"
    )
    parser.add_argument("--version", action="version", version=f"{settings.NAME} {__version__}")
    return parser


def _path(text: str) -> Path:
    """Of a name that is one: an empty one, of a variable that is not set, would be the current folder's."""
    if not text:
        raise argparse.ArgumentTypeError("a name is wanted, and this one is empty")
    return Path(text)


def _count(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 is wanted")
    return int(text)


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
