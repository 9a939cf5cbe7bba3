"""Makes photographs as a training wants them:  python -m export.shrink FOLDER... --out FOLDER

photographs of any size, in the colours of any profile  ->  JPEGs by the same names, upright, small, in sRGB

A training decodes a photograph for each crop that it shows, which at 24 megapixels takes far longer than learning from
it, and reads all numbers as sRGB. What is there already is left; a damaged photograph is told of and left out.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Kinds, Task, make_folder, plan
from colorize_neural.worker.cores import cores, on_threads
from colorize_neural.worker.photos import READ, Photograph, read_photograph, use_threads, write_photograph

from export import run
from export.systems import shrunk

SHORT_SIDE = 384  # pixels: more than twice that of a crop, of which half a photograph is the smallest
_RESOLUTION = (1.0, 1.0)  # pixels per millimetre: of no matter


def shrink(task: Task, short_side: int) -> str:
    """Writes the photograph with a shorter side of so many pixels at the most -> "", or a sentence why not."""
    if task.result.exists():
        return ""
    try:
        pixels = read_photograph(task.photo).pixels[..., :3]
        rgb = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
        make_folder(task.result.parent)
        small = np.ascontiguousarray(shrunk(rgb, short_side))
        write_photograph(Photograph(small, _RESOLUTION, metadata=[], words={}, note=""), task.result)
    except ColorizeError as error:
        return str(error)
    return ""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.shrink", description="Makes photographs small, in sRGB.")
    parser.add_argument("photos", type=Path, nargs="+", metavar="FOLDER", help="folders, or photographs")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the small ones")
    parser.add_argument("--short-side", type=int, default=SHORT_SIDE, help=f"pixels (default: {SHORT_SIDE})")
    chosen = parser.parse_args(arguments)
    if chosen.short_side < 1:
        parser.error("--short-side is 1 pixel or more")
    if any(chosen.out.resolve().is_relative_to(place.resolve()) for place in chosen.photos):
        raise ColorizeError(f"{chosen.out} lies among the photographs: name a folder beside them.")
    planned = plan(chosen.photos, chosen.out, Kinds(READ, lambda _photo: ".jpg"), lambda _out: ())
    tasks = planned.tasks
    use_threads(1)
    failures = list(filter(None, on_threads(cores(), partial(shrink, short_side=chosen.short_side), tasks)))
    for sentence in (*planned.unread.values(), *failures, *planned.left_alone()):
        print(sentence, file=sys.stderr)
    print(f"{len(tasks) - len(failures)} of {len(tasks)} photographs are in {chosen.out}.")
    if failures or planned.unread:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
