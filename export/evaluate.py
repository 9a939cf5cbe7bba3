"""Measures models beside the baselines:  python -m export.evaluate MODEL... --photos FOLDER_OR_TARS... [--sheet PNG]

Photographs are shrunk to a shorter side of 256 pixels and coloured by the runtime that users have, at the model's
default temperature. The baselines are grey, and the mean ab of each lightness, measured on the same photographs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from colorize_neural.settings import models_folder
from colorize_neural.worker.color import Float, lightness_from_rgb, rgb_in_gamut
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.models import MANIFEST

from export import run
from export.judge import Judge
from export.metrics import Rgb, ab_error, ab_of, colourfulness, frechet_distance, psnr, ssim
from export.photos import Photo, find_photos
from export.sheet import Sheet
from export.to_onnx import write_entry

SHORT_SIDE = 256
TRUTH, GREY, MEAN_AB = "truth", "grey", "mean ab per L"
System = Callable[[Rgb], Rgb]


@dataclass
class Tally:
    """What is gathered of one system, photograph by photograph."""

    ab_errors: list[float] = field(default_factory=list)
    psnrs: list[float] = field(default_factory=list)
    ssims: list[float] = field(default_factory=list)
    colourfulness: list[float] = field(default_factory=list)
    mean_ab: list[Float] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    features: list[Float] = field(default_factory=list)

    def add(self, rgb: Rgb, truth: Rgb, judge: Judge) -> None:
        """One more photograph."""
        self.ab_errors.append(ab_error(rgb, truth))
        self.psnrs.append(psnr(rgb, truth))
        self.ssims.append(ssim(rgb, truth))
        self.colourfulness.append(colourfulness(rgb))
        self.mean_ab.append(ab_of(rgb).mean(axis=(0, 1)))
        seen_class, features = judge.see(rgb)
        self.classes.append(seen_class)
        self.features.append(features)


@dataclass(frozen=True)
class Figures:
    """One row of the table."""

    ab_error: float  # Lab units
    ab_error_share: float  # of grey's
    psnr_gained: float  # dB over grey
    ssim: float
    colourfulness: float  # share of the truth's
    same_class: float  # share of photographs that the judge calls as it calls the truth
    gap_closed: float  # share of the gap between grey's same_class and 1
    frechet_share: float  # distance of the judge's features to the truth's, share of grey's
    cast: float  # distance of the mean ab to the truth's, Lab units


def evaluate(systems: dict[str, System], photos: Sequence[Photo], sheet: Sheet | None = None) -> dict[str, Figures]:
    """Colours every photograph by every system, baselines first, and measures each against the truth."""
    judge = Judge()
    truths = [shrunk(photo.rgb()) for photo in photos]
    systems = {GREY: grey, MEAN_AB: mean_ab_per_lightness(truths), **systems}
    tallies = {name: Tally() for name in (TRUTH, *systems)}
    for place, truth in enumerate(truths):
        results = {name: system(truth) for name, system in systems.items()} | {TRUTH: truth}
        for name, result in results.items():
            tallies[name].add(result, truth, judge)
        if sheet is not None and place % max(1, len(truths) // sheet.rows) == 0:
            sheet.add(results)
        print(f"\r{place + 1}/{len(truths)}", end="", flush=True)
    print()
    return {name: figures(tallies[name], tallies[GREY], tallies[TRUTH]) for name in systems}


def figures(tally: Tally, grey_tally: Tally, truth: Tally) -> Figures:
    """The row of one system."""
    same, grey_same = (float(np.mean(np.equal(one.classes, truth.classes))) for one in (tally, grey_tally))
    distance, grey_distance = (
        frechet_distance(np.array(one.features), np.array(truth.features)) for one in (tally, grey_tally)
    )
    error = float(np.mean(tally.ab_errors))
    return Figures(
        ab_error=error,
        ab_error_share=error / float(np.mean(grey_tally.ab_errors)),
        psnr_gained=float(np.mean(tally.psnrs) - np.mean(grey_tally.psnrs)),
        ssim=float(np.mean(tally.ssims)),
        colourfulness=float(np.mean(tally.colourfulness) / np.mean(truth.colourfulness)),
        same_class=same,
        gap_closed=(same - grey_same) / (1 - grey_same) if grey_same < 1 else 0.0,
        frechet_share=distance / grey_distance,
        cast=float(np.linalg.norm(np.mean(tally.mean_ab, axis=0) - np.mean(truth.mean_ab, axis=0))),
    )


def grey(rgb: Rgb) -> Rgb:
    """The photograph's lightness alone."""
    L = lightness_of(rgb)
    return to_uint8(rgb_in_gamut(L, np.zeros((*L.shape, 2), np.float32)))


def mean_ab_per_lightness(truths: Sequence[Rgb]) -> System:
    """The table "for each whole L, the mean ab of these photographs", as a system."""
    sums, counts = np.zeros((101, 2)), np.zeros(101)
    for truth in truths:
        level = np.rint(lightness_of(truth)).astype(np.intp).ravel()
        counts += np.bincount(level, minlength=101)
        for channel, values in enumerate(np.moveaxis(ab_of(truth).reshape(-1, 2), 1, 0)):
            sums[:, channel] += np.bincount(level, values, minlength=101)
    table = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)

    def colour(rgb: Rgb) -> Rgb:
        L = lightness_of(rgb)
        return to_uint8(rgb_in_gamut(L, table[np.rint(L).astype(np.intp)]))

    return colour


def model_system(colorizer: Colorizer, options: Options) -> System:
    """A model in the users' own runtime, as a system."""

    def colour(rgb: Rgb) -> Rgb:
        pixels = grey(rgb)
        colorizer.colorize(pixels, options, lambda _fraction, _text: None)
        return pixels

    return colour


def lightness_of(rgb: Rgb) -> Float:
    """L (h, w), 0..100."""
    return lightness_from_rgb(rgb.astype(np.float32) / np.float32(255))


def to_uint8(rgb: Float) -> Rgb:
    """sRGB 0..1 -> 0..255."""
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def shrunk(rgb: Rgb) -> Rgb:
    """The photograph with a shorter side of SHORT_SIDE pixels at the most."""
    h, w = rgb.shape[:2]
    scale = SHORT_SIDE / min(h, w)
    if scale >= 1:
        return rgb
    return cv2.resize(rgb, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA)


def print_table(rows: dict[str, Figures]) -> None:
    """As Markdown, for model cards."""
    names = list(asdict(next(iter(rows.values()))))
    print("| |", " | ".join(name.replace("_", " ") for name in names), "|")
    print("|" + "---|" * (len(names) + 1))
    for system, row in rows.items():
        print(f"| {system} |", " | ".join(f"{value:.3f}" for value in asdict(row).values()), "|")


def record(folder: Path, model: str, row: Figures) -> None:
    """Writes a model's figures into its entry of the manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (entry,) = [entry for entry in manifest["models"] if entry["id"] == model]
    write_entry(folder, {**entry, "results": {name: round(value, 3) for name, value in asdict(row).items()}})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.evaluate", description="Measures models.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="ids that the manifest knows")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars of colour photographs")
    parser.add_argument("--folder", type=Path, default=models_folder(), help="the models folder")
    parser.add_argument("--temperature", type=float, help="instead of the models' own default")
    parser.add_argument("--sheet", type=Path, help="a PNG: a row a photograph, a column a system")
    parser.add_argument("--rows", type=int, default=12, help="photographs on the sheet")
    parser.add_argument("--record", action="store_true", help="write the figures into the manifest")
    chosen = parser.parse_args(arguments)
    colorizer = Colorizer(chosen.folder)
    systems = {
        model: model_system(colorizer, Options(model=model, temperature=chosen.temperature)) for model in chosen.models
    }
    sheet = Sheet(chosen.rows) if chosen.sheet else None
    rows = evaluate(systems, find_photos(chosen.photos), sheet)
    print_table(rows)
    if sheet is not None:
        sheet.write(chosen.sheet)
    if chosen.record:
        for model in chosen.models:
            record(chosen.folder, model, rows[model])


if __name__ == "__main__":
    run(main)
