"""The `colorize-neural` command: photographs in files, without GIMP.

colorize-neural PHOTO... -o OUT [options]        colorize-neural models [ACTION], see models_command.py
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from colorize_neural import __version__, protocol, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.parser import Parser

if TYPE_CHECKING:
    from colorize_neural.worker.colorizer import Colorizer, Options, Progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 after one sentence on stderr for each thing that went wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return _manage_models(arguments[1:]) if list(arguments[:1]) == ["models"] else _colorize(arguments)
    except KeyboardInterrupt:
        return _say("Stopped; photographs that were not finished are untouched.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads, and that is no failure
        return 0
    except Exception as error:
        return _say(_sentence(error))


def _manage_models(arguments: Sequence[str]) -> int:
    from colorize_neural import models_command  # noqa: PLC0415, --help needs no ONNX Runtime

    return models_command.main(arguments)


def _colorize(arguments: Sequence[str]) -> int:
    chosen = _parser().parse_args(arguments)
    if chosen.progress:
        threading.Thread(target=_end_with_stdin, daemon=True).start()

    from colorize_neural.worker.colorizer import Colorizer, Options  # noqa: PLC0415, --help needs no ONNX Runtime

    targets = _targets(chosen.photos, chosen.out)
    options = Options(**{field.name: getattr(chosen, field.name) for field in fields(Options)})
    colorizer = Colorizer(settings.models_folder(), settings.added_models_folder())
    colorizer.prepare(options)
    if len(targets) > 1:
        _make_folder(chosen.out)
    failures = 0
    notes: dict[str, None] = {}  # each is said once, in the order they came
    for place, (photo, target) in enumerate(targets, 1):
        if len(targets) > 1:
            print(f"{place}/{len(targets)} {photo}", file=sys.stderr)
        progress = _report_of(place, len(targets)) if chosen.progress else lambda _fraction, _text: None
        try:
            notes |= dict.fromkeys(
                _colorize_one(colorizer, photo, target, options, overwrite=chosen.overwrite, progress=progress)
            )
        except Exception as error:  # the other photographs are worth going on
            failures += _say(_sentence(error))
    for note in filter(None, notes):
        print(note, file=sys.stderr)
    return min(failures, 1)


def _colorize_one(
    colorizer: Colorizer, photo: Path, target: Path, options: Options, *, overwrite: bool, progress: Progress
) -> list[str]:
    """Writes the coloured photograph -> what the user should know of it."""
    from colorize_neural.worker import photos  # noqa: PLC0415, --help needs no libvips

    photos.check_is_file(photo)
    photos.check_can_write(target, overwrite)
    photograph = photos.read_photograph(photo)
    outcome = colorizer.colorize(photograph.pixels, options, progress)
    photos.write_photograph(photograph, target)
    return [photograph.note, outcome.note]


def _report_of(place: int, count: int) -> Progress:
    """Tells on stdout how far the photographs are, of which this one is at its place, counted from 1."""

    def report(fraction: float, text: str) -> None:
        protocol.write(sys.stdout.buffer, "progress", fraction=(place - 1 + float(fraction)) / count, text=text)

    return report


def _end_with_stdin() -> None:
    """A front end that is killed can tell nobody; its end of the pipe closes, and this process ends at once."""
    while os.read(0, 65536):  # sys.stdin has a lock that would abort Python at its exit
        pass
    os._exit(1)


def _targets(photos: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Each photograph with the file its result goes to; `out` is a file for one photograph, a folder for several."""
    from colorize_neural.worker.photos import FALLBACK_SUFFIX, FORMATS  # noqa: PLC0415, --help needs no libvips

    if len(photos) == 1 and not out.is_dir():
        return [(photos[0], out)]
    if out.exists() and not out.is_dir():
        raise ColorizeError(f"{out} is a file, but there are {len(photos)} photographs: name a folder.")
    targets = [out / (p.name if p.suffix.lower() in FORMATS else f"{p.stem}{FALLBACK_SUFFIX}") for p in photos]
    twice = sorted({str(target) for target in targets if targets.count(target) > 1})
    if twice:
        raise ColorizeError(f"Several photographs would be written to {', '.join(twice)}: colour them one at a time.")
    return list(zip(photos, targets, strict=True))


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ColorizeError(f"The folder {out} cannot be made ({error.strerror}): name another.") from error


def _sentence(error: Exception) -> str:
    """What the user is told of a failure; an unexpected one leaves its traceback in the log."""
    return str(error) if isinstance(error, ColorizeError) else settings.logged(traceback.format_exc())


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=settings.NAME,
        description="Gives black-and-white photographs their colours.",
        epilog=f'"{settings.NAME} models" lists the models and adds others (a photograph of that name is ./models).',
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="PNG, JPEG, TIFF, WebP, ...")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a file for one photograph, a folder for several")
    parser.add_argument("--model", default="", help=f'an id that "{settings.NAME} models" lists (default: the first)')
    parser.add_argument("--temperature", type=float, help="0.05 (vivid) to 1 (cautious) (default: the model's own)")
    parser.add_argument("--strength", type=float, default=1.0, help="0 to 2, multiplies the chroma (default: 1)")
    parser.add_argument("--warmth", type=float, default=0.0, help="-1 (colder) to 1 (warmer) (default: 0)")
    yes_or_no = argparse.BooleanOptionalAction
    parser.add_argument(
        "--edge-guidance", action=yes_or_no, default=True, help="colours end where things end (default)"
    )
    parser.add_argument("--equalize", action=yes_or_no, default=False, help="for hard black-and-white photographs")
    parser.add_argument("--device", default="auto", help="auto, cpu or gpu (default: auto)")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    parser.add_argument(
        "--progress", action="store_true", help="for programs: JSON lines on stdout; it stops when its stdin closes"
    )
    parser.add_argument("--version", action="version", version=f"{settings.NAME} {__version__}")
    return parser


def _say(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
