"""Trains, exports, measures and tells of the papers' systems:  python -m export.papers [ID...] --photos P --dev DEV

recipes with a [paper]  ->  models/ID.onnx, and one table and contact sheet of all of them in models/README.md

Every system gets the same minutes, whatever its size; `--full` gives it the scale of its paper instead, and keeps the
result in its run's folder. The same command goes on where an interrupted one stopped, and only measures what has
already had its minutes. `--measure` trains nothing, and needs neither photographs to train on nor the runs' folders.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import models_folder
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.models import read_models

from export import run, speed
from export.evaluate import Figures, evaluate, record
from export.files import write_whole
from export.photos import Photo, find_photos
from export.recipe import RECIPES, Recipe, read_recipe
from export.sheet import Sheet
from export.systems import GREY, MEAN_AB, System, grey, model_system, shrunk
from export.to_onnx import entry_of, load_run, write_entry, write_run
from export.train import LAST, train

RUNS = Path("runs/papers")
SAMPLES = sorted((Path(__file__).resolve().parents[1] / "samples").glob("*-19*.jpg"))
MINUTES = 5.0  # of one system, on a CPU
SIZE = 256  # pixels, of GFLOPs and milliseconds
BEGIN, END = "<!-- papers: begin -->", "<!-- papers: end -->"


def paper_recipes(full: bool) -> dict[str, Recipe]:
    """All recipes that name a paper, by id."""
    recipes = [read_recipe(file, full) for file in sorted(RECIPES.glob("*.toml"))]
    return {recipe.manifest.id: recipe for recipe in recipes if recipe.paper is not None}


def make(recipe: Recipe, photos: list[Photo], out: Path, models: Path, minutes: float | None) -> None:
    """Trains where the minutes are not spent, and writes the model and how long it had into the manifest."""
    train(recipe, photos, out, {}, loaders=1, minutes=minutes)
    write_run(load_run(out), models)
    write_entry(models, {**entry_of(models, recipe.manifest.id), "training": training_of(out, recipe)})


def training_of(out: Path, recipe: Recipe) -> dict[str, float]:
    """What a run had: minutes, crops, and of how many that the recipe asks for."""
    checkpoint = torch.load(out / LAST, map_location="cpu", weights_only=True)
    (timer,) = [state for name, state in checkpoint["callbacks"].items() if name.startswith("Timer")]
    crops = checkpoint["global_step"] * recipe.optimizer.batch
    return {
        "minutes": round(timer["time_elapsed"]["train"] / 60, 3),
        "crops": crops,
        "crops_wanted": recipe.optimizer.crops,
    }


def table(models: Path, ids: list[str], figures: dict[str, Figures], costs: dict[str, speed.Cost]) -> str:
    """One row a system, as Markdown."""
    heads = [
        *("system", "parameters", "MB", f"GFLOPs, {SIZE} px", f"CPU ms, {SIZE} px", "minutes", "crops"),
        *("ab error", "of grey's", "PSNR gained", "colourfulness", "same class", "in the paper"),
    ]
    recipes, lines = paper_recipes(full=False), [heads, ["---"] * len(heads)]
    for name in (GREY, MEAN_AB, *ids):
        row = figures[name]
        measured = [
            f"{row.ab_error:.2f}",
            f"{row.ab_error_share:.3f}",
            f"{row.psnr_gained:+.2f}",
            f"{row.colourfulness:.3f}",
            f"{row.same_class:.3f}",
        ]
        if name not in ids:
            lines.append([name, *[""] * 6, *measured, ""])
            continue
        cost, spent = costs[name], entry_of(models, name).get("training")
        size = [f"{cost.parameters / 1e6:.2f} M", f"{cost.megabytes:.1f}", f"{cost.gflops:.1f}"]
        paper = recipes[name].paper if name in recipes else None
        lines.append(
            [
                *(f"`{name}`", *size, f"{cost.milliseconds:.0f}", *_spent(spent), *measured),
                f"{paper.reference}. {paper.figures}" if paper else "",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spent(training: dict[str, float] | None) -> list[str]:
    """Minutes and crops; a run that had not all crops of its recipe says so."""
    if training is None:
        return ["see its card", "see its card"]
    crops = f"{training['crops']:,.0f}"
    cut = training["crops"] < training["crops_wanted"]
    return [f"{training['minutes']:.1f}", f"{crops}, cut short of {training['crops_wanted']:,.0f}" if cut else crops]


def tell(models: Path, text: str) -> None:
    """Puts the table between its marks in models/README.md."""
    before, after = place_for_table(models)
    write_whole(models / "README.md", f"{before}{BEGIN}\n{text}\n{END}{after}".encode())


def place_for_table(models: Path) -> tuple[str, str]:
    """What stands before and after the table; ColorizeError where it has no place."""
    file = models / "README.md"
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ColorizeError(f"{file} has no place for the table: put the lines {BEGIN} and {END} into it.")
    return before, after


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m export.papers", description="The papers' systems, side by side.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="of recipes that name a paper; all where none is given")
    parser.add_argument("--photos", type=Path, nargs="+", default=[], help="folders or tars to train on")
    parser.add_argument("--dev", type=Path, nargs="+", required=True, help="folders or tars to measure on")
    parser.add_argument("--out", type=Path, default=RUNS, help="the folder of the runs' folders")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--minutes", type=float, default=MINUTES, help="of training for each, with all cores")
    scale.add_argument("--full", action="store_true", help="the scale of the papers; nothing in models/ changes")
    scale.add_argument("--measure", action="store_true", help="only measure all models that are in models/")
    chosen = parser.parse_args(arguments)
    if not chosen.measure and not chosen.photos:
        parser.error("training needs --photos; --measure trains nothing")
    recipes = paper_recipes(chosen.full)
    unknown = set(chosen.ids) - set(recipes)
    if unknown:
        raise ColorizeError(f"No recipe is called {', '.join(sorted(unknown))}: choose of {', '.join(recipes)}.")
    models = chosen.out / "models-full" if chosen.full else models_folder()
    dev = find_photos(chosen.dev)
    if not chosen.full:
        place_for_table(models)  # before anything is trained
    if not chosen.measure:
        photos = find_photos(chosen.photos)
        for name in chosen.ids or recipes:
            out = chosen.out / (f"{name}-full" if chosen.full else name)
            make(recipes[name], photos, out, models, None if chosen.full else chosen.minutes)
    report(models, dev)


def report(models: Path, dev: list[Photo]) -> None:
    """Measures, records and prints all systems of a folder; in models/ the card gets table and sheet too."""
    ids = [model.id for model in read_models(models)]
    colorizer = Colorizer(models)
    systems = {name: model_system(colorizer, Options(model=name)) for name in ids}
    figures = evaluate(systems, dev)
    costs = speed.compare({name: models / entry_of(models, name)["file"] for name in ids}, SIZE, threads=1)
    text = table(models, ids, figures, costs)
    print(text)
    for name in ids:
        record(models, name, asdict(figures[name]))
    if models == models_folder():
        tell(models, text)
        sheet_of(systems).write(models / "papers.jpg")


def sheet_of(systems: dict[str, System]) -> Sheet:
    """The samples, which may be shown to everybody, in the colours of each system."""
    samples = find_photos(SAMPLES)
    sheet = Sheet(len(samples), cell=176)
    for sample in samples:
        rgb = shrunk(sample.rgb())
        sheet.add({GREY: grey(rgb)} | {name: system(rgb) for name, system in systems.items()})
    return sheet


if __name__ == "__main__":
    run(main)
