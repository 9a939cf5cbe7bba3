"""A folder of photographs: each is opened, coloured as it is seen, and saved in the folder of results.

    folder, out, options  ->  how many were coloured now and before, and what the user is told; one worker for all

A photograph is one picture, whatever it is made of: several visible layers are coloured together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import colouring
import image_files
import installed
import layers
from arguments import options_from
from colorize_neural import settings
from colorize_neural.batch import DONE, FAILED, LEFT, SKIPPED, Batch, Coloured, attempt, check_report
from colorize_neural.client import Client
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Kinds, Task, is_folder, make_folder, plan
from colorize_neural.journal import How, results_in
from colorize_neural.progress import Progress
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings
from colouring import Wanted, wanted_from
from gi.repository import Gimp

COUNTS = {DONE: "Photographs that were coloured", SKIPPED: "Photographs that had been coloured before"}
SHOWN = 10  # sentences
ANEW = 0.5  # seconds between two lines of the progress


def colorize(config: Any, plug_in: Path) -> tuple[list[int], str]:
    """The COUNTS and the summary; ColorizeError where photographs failed, after all others are done."""
    photos, out = _chosen(config, "folder", "folder with photographs"), _chosen(config, "out", "folder for the results")
    report = config.get_property("report") and _chosen(config, "report", "file for the report")
    if not is_folder(photos):
        raise ColorizeError(f"There is no folder {photos}: please check the name.")
    if report:
        check_report(report)
    kinds = Kinds(image_files.READ, _suffixes(config.get_property("format")))
    planned = plan([photos], out, kinds, results_in)
    progress, how = Shown(len(planned)), _how(config, plug_in)
    batch = Batch(planned, how, config.get_property("overwrite"), progress)
    pool = OneWorker(wanted_from(config, plug_in), settings.read(plug_in), progress)
    failures = _failures(lambda: batch.run(pool), lambda: batch.summary.write(report, how) if report else None)
    told = failures
    if batch.summary.count(LEFT) < len(batch.summary.entries):
        told = [*failures, str(batch.summary), *_first(progress.said), *planned.left_alone()]
    if failures or batch.summary.count(FAILED):
        raise ColorizeError("\n".join(told))
    told.append(f"The results are in {out}.")
    return [batch.summary.count(status) for status in COUNTS], "\n".join(told)


def _chosen(config: Any, name: str, what: str) -> Path:
    file = config.get_property(name)
    if file is None or file.get_path() is None:
        raise ColorizeError(f"No {what} is chosen: please choose one on this computer.")
    return Path(file.get_path())


def _suffixes(wanted: str) -> Callable[[Path], str]:
    """What the names of results end with, in a format of arguments.FORMATS."""
    return image_files.result_suffix if wanted == "same" else lambda _photo: f".{wanted}"


def _failures(*works: Callable[[], None]) -> list[str]:
    """A sentence for each that fails; the others are done."""
    sentences = []
    for work in works:
        try:
            work()
        except Exception as error:
            sentences.append(settings.sentence_of(error))
    return sentences


def _how(config: Any, plug_in: Path) -> How:
    """What a result depends on beside its photograph and the version of this program."""
    told = options_from(config) | {"output": config.get_property("output")}
    for model in installed.models(plug_in):
        if model.id == told["model"]:
            told |= {"sha256": model.sha256, "temperature": told["temperature"] or model.temperature}
    del told["device"]
    return told


class Shown(Progress):
    """In GIMP's progress bar, with its Cancel; `said` are the sentences for the end."""

    def __init__(self, total: int) -> None:
        super().__init__(total, ANEW)
        self.said: list[str] = []
        self._last = (f"0 of {total:,}", 0.0)
        Gimp.progress_init("Colouring the photographs")

    def show(self, line: str, fraction: float) -> None:
        self._last = line, fraction
        self.repeat()

    def repeat(self, *_: object) -> None:
        """Shows the last line again: opening and saving show lines of their own."""
        line, fraction = self._last
        Gimp.progress_set_text(line)
        Gimp.progress_update(fraction)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def close(self) -> None:
        Gimp.progress_end()


def _first(said: list[str]) -> list[str]:
    """The first sentences; all of them go to the log where they are too many to be shown."""
    if len(said) <= SHOWN:
        return said
    with settings.open_log() as log:
        log.write("".join(f"{sentence}\n" for sentence in said).encode(errors="backslashreplace"))
    return [*said[:SHOWN], f"{len(said) - SHOWN} more are in {settings.log_file()}."]


class OneWorker:
    """A pool of one worker, which colours one photograph after the other; one that ends it does not end the run."""

    def __init__(self, wanted: Wanted, told: Settings, progress: Shown) -> None:
        self._wanted, self._told, self._progress = wanted, told, progress

    def __call__(self, tasks: Sequence[Task]) -> Generator[Coloured, None, None]:
        if not tasks:
            return
        self._client = Client(self._told)
        try:
            self._try()
            for task in tasks:
                if not self._client.lives:
                    self._client = Client(self._told)
                yield attempt(task, self._write)
        finally:
            self._client.close()

    def _try(self) -> None:
        """ColorizeError where no photograph can be coloured, before the first is opened."""
        shape = Shape(16, 16, 3, "uint8")
        with self._client.pixels(shape) as pixels:
            pixels.write(bytes(shape.bytes))
            self._client.colorize(pixels, self._wanted.options, self._progress.repeat)

    def _write(self, task: Task, file: Path) -> Iterable[str]:
        with image_files.opened(task.photo) as image:
            if task.photo.suffix.lower() in image_files.OPENED_IN_PART:
                self._client.check_is_whole(task.photo)
            pages = len(image.get_layers())
            keeps_layers = image_files.WRITTEN[task.result.suffix.lower()].has_layers
            note = self._colour(image, self._wanted if keeps_layers else replace(self._wanted, output="replace"))
            make_folder(task.result.parent)
            image_files.save(image, file)
        if note:
            yield note
        if pages > 1 and not keeps_layers:
            yield f"{task.photo} has {pages} layers or pages: the result holds what is seen of them, in one."

    def _colour(self, image: Any, wanted: Wanted) -> str:
        """Gives the image its colours, all of what is seen of it -> what the user should know of that."""
        self._progress.repeat()
        if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
            layers.check_done(image.convert_rgb())
        Gimp.Selection.none(image)
        before, seen = image.get_layers(), _seen(image, merged=wanted.output == "replace")
        chosen = layers.layers_to_colorize(image, [seen])
        with colouring.coloured(image, chosen, wanted, self._client, lambda *_: self._progress.repeat) as done:
            colouring.write(image, done, wanted)
            note = str(done[0].result["note"])
        if wanted.output != "replace" and seen not in before:
            image.remove_layer(seen)
        return note


def _seen(image: Any, merged: bool) -> Any:
    """The one layer that is visible; of several, one that shows what they show together, merged or on top of them."""
    visible = [layer for layer in image.get_layers() if layer.get_visible()]
    if not visible:
        raise layers.WrongLayerError("No layer is visible: please show the photograph in the Layers dialog.")
    if len(visible) == 1 and not (merged and visible[0].is_group()):
        return visible[0]
    if merged:
        return image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    together = Gimp.Layer.new_from_visible(image, image, "")
    layers.check_done(image.insert_layer(together, None, 0))
    return together
