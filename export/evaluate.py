"""Measures models beside the baselines:  python -m export.evaluate MODEL... --photos FOLDER_OR_TARS...  -> tables

Photographs are shrunk to a shorter side of 256 pixels and coloured by the runtime that users have, at the model's
default temperature. The baselines are grey, and the mean ab of each lightness, measured on the same photographs.
Then `robustness` makes the same photographs look old, small and large, and `pages` are written for eyes to judge.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.color import Float
from colorize_neural.worker.colorizer import Colorizer, Options

from export import run
from export.judge import Judge
from export.metrics import Rgb, ab_error, ab_of, colourfulness, frechet_distance, psnr, ssim
from export.pages import write_pages
from export.photos import Photo, find_photos, spread
from export.robustness import REFERENCE, SIDES, degraded_rows, size_differences
from export.sheet import Sheet
from export.systems import GREY, TRUTH, System, baselines, grey, model_system, shrunk
from export.to_onnx import entry_of, write_entry

Row = dict[str, float]


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

    def add(self, rgb: Rgb, truth: Rgb) -> None:
        """One more photograph."""
        self.ab_errors.append(ab_error(rgb, truth))
        self.psnrs.append(psnr(rgb, truth))
        self.ssims.append(ssim(rgb, truth))
        self.colourfulness.append(colourfulness(rgb))
        self.mean_ab.append(ab_of(rgb).mean(axis=(0, 1)))

    def hear(self, judged_class: int, features: Float) -> None:
        """What the judge sees in it."""
        self.classes.append(judged_class)
        self.features.append(features)

    def error_share(self, plain: Tally) -> float:
        """The mean ab error, share of grey's."""
        return float(np.mean(self.ab_errors) / np.mean(plain.ab_errors))

    def psnr_gained(self, plain: Tally) -> float:
        """The mean PSNR, dB over grey's."""
        return float(np.mean(self.psnrs) - np.mean(plain.psnrs))

    def colourfulness_share(self, truth: Tally) -> float:
        """The mean colourfulness, share of the truth's."""
        return float(np.mean(self.colourfulness) / np.mean(truth.colourfulness))


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
    """Colours every photograph by every system, baselines first, and measures each against the truth.

    ColorizeError where there are too few photographs for the figures of all together.
    """
    if len(photos) < 2:
        raise ColorizeError("Of one photograph little can be told: name two or more.")
    judge = Judge()
    truths = [shrunk(photo.rgb()) for photo in photos]
    systems = {**baselines(truths), **systems}
    tallies = {name: Tally() for name in (TRUTH, *systems)}
    shown = set() if sheet is None else set(spread(range(len(truths)), sheet.rows))
    for place, truth in enumerate(truths):
        results = {name: system(truth) for name, system in systems.items()} | {TRUTH: truth}
        for name, result in results.items():
            tallies[name].add(result, truth)
            tallies[name].hear(*judge.see(result))
        if sheet is not None and place in shown:
            sheet.add(results)
        print(f"\r{place + 1}/{len(truths)}", end="", flush=True)
    print()
    return {name: figures(tallies[name], tallies[GREY], tallies[TRUTH]) for name in systems}


def figures(tally: Tally, plain: Tally, truth: Tally) -> Figures:
    """The row of one system; `plain` is grey's tally."""
    same, plain_same = (float(np.mean(np.equal(one.classes, truth.classes))) for one in (tally, plain))
    distance, plain_distance = (
        frechet_distance(np.array(one.features), np.array(truth.features)) for one in (tally, plain)
    )
    return Figures(
        ab_error=float(np.mean(tally.ab_errors)),
        ab_error_share=tally.error_share(plain),
        psnr_gained=tally.psnr_gained(plain),
        ssim=float(np.mean(tally.ssims)),
        colourfulness=tally.colourfulness_share(truth),
        same_class=same,
        gap_closed=(same - plain_same) / (1 - plain_same) if plain_same < 1 else 0.0,
        frechet_share=distance / plain_distance,
        cast=float(np.linalg.norm(np.mean(tally.mean_ab, axis=0) - np.mean(truth.mean_ab, axis=0))),
    )


def temperature_rows(systems: dict[str, System], truths: Sequence[Rgb]) -> dict[str, Row]:
    """What the temperature trades: of models at several of them, the figures that need no judge."""
    plain, truth = Tally(), Tally()
    for rgb in truths:
        plain.add(grey(rgb), rgb)
        truth.add(rgb, rgb)
    rows = {}
    for name, system in systems.items():
        tally = Tally()
        for rgb in truths:
            tally.add(system(rgb), rgb)
        rows[name] = {
            "ab_error_share": tally.error_share(plain),
            "psnr_gained": tally.psnr_gained(plain),
            "colourfulness": tally.colourfulness_share(truth),
        }
    return rows


def systems_at(colorizer: Colorizer, models: Sequence[str], temperatures: Sequence[float]) -> dict[str, System]:
    """The models at each of the temperatures."""
    return {
        f"{model} {temperature:g}": model_system(colorizer, Options(model=model, temperature=temperature))
        for model in models
        for temperature in temperatures
    }


def print_table(title: str, rows: dict[str, Row]) -> None:
    """As Markdown, for model cards."""
    names = list(next(iter(rows.values())))
    print(f"\n{title}\n\n| |", " | ".join(name.replace("_", " ") for name in names), "|")
    print("|" + "---|" * (len(names) + 1))
    for system, row in rows.items():
        print(f"| {system} |", " | ".join(f"{value:.3f}" for value in row.values()), "|", flush=True)


def record(folder: Path, model: str, row: Row) -> None:
    """Writes a model's figures into its entry of the manifest; others that stand there stay."""
    entry = entry_of(folder, model)
    entry["results"] |= {name: round(value, 3) for name, value in row.items()}
    write_entry(folder, entry)


def main(arguments: list[str] | None = None) -> None:
    chosen = chosen_from(arguments)
    colorizer = Colorizer(chosen.folder)
    models = {
        model: model_system(colorizer, Options(model=model, temperature=chosen.temperature)) for model in chosen.models
    }
    tried = systems_at(colorizer, chosen.models, chosen.temperatures)
    photos, old = find_photos(chosen.photos), find_photos(chosen.old) if chosen.old else []
    truths = [shrunk(photo.rgb()) for photo in photos]
    sheet = Sheet(chosen.rows) if chosen.sheet else None
    rows = {name: asdict(row) for name, row in evaluate(models, photos, sheet).items()}
    print_table("Beside the truth:", rows)
    if sheet is not None:
        sheet.write(chosen.sheet)
    clean = {name: row["ab_error"] for name, row in rows.items()}
    degraded = degraded_rows({**baselines(truths), **models}, truths, clean)
    print_table("Seen like an old scan; then ratios to the clean ab error, with each fault alone:", degraded)
    sizes = size_differences(models, truths)
    print_table(f"ab difference from the same photograph at {REFERENCE} px:", sizes)
    if tried:
        print_table("Temperatures:", temperature_rows(tried, truths))
    if chosen.sheets:
        write_pages(chosen.sheets, models, photos, tried or models, old)
    if chosen.record:
        for model in chosen.models:
            robust = {
                "degraded_ratio": degraded[model]["degraded_ratio"],
                "size_difference": sizes[model][f"{SIDES[-1]}_px"],
            }
            record(chosen.folder, model, {**rows[model], **robust})


def chosen_from(arguments: list[str] | None) -> argparse.Namespace:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m export.evaluate", description="Measures models.")
    parser.add_argument("models", nargs="+", metavar="MODEL", help="ids that the manifest knows")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="folders or tars of colour photographs")
    parser.add_argument("--folder", type=Path, default=models_folder(), help="the models folder")
    parser.add_argument("--temperature", type=float, help="instead of the models' own default")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[], metavar="T", help="to be compared")
    parser.add_argument("--sheet", type=Path, help="a PNG: a row a photograph, a column a system")
    parser.add_argument("--rows", type=int, default=12, help="photographs on the sheet")
    parser.add_argument(
        "--sheets", type=Path, metavar="FOLDER", help="for worst.png, old.png, and faces.png of such folders"
    )
    parser.add_argument("--old", type=Path, nargs="+", default=[], metavar="PHOTO", help="black and white, for old.png")
    parser.add_argument("--record", action="store_true", help="write the figures into the manifest")
    chosen = parser.parse_args(arguments)
    if chosen.old and not chosen.sheets:
        parser.error("--old needs --sheets, the folder that old.png is written to")
    return chosen


if __name__ == "__main__":
    run(main)
