"""The way of the layers of an image: read, have each coloured, and only then write."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arguments
import installed
import layers
from colorize_neural.client import Client, Pixels
from colorize_neural.protocol import Message
from gi.repository import Gimp

Progress = Callable[[float, str], None]  # a fraction of the work, and what is done


@dataclass(frozen=True)
class Coloured:
    """A layer, its pixels in colours, and what the worker says of that."""

    layer: Any
    pixels: Pixels
    result: Message


@dataclass(frozen=True)
class Wanted:
    """What the user wants."""

    options: dict[str, object]  # the worker's
    output: str  # of arguments.OUTPUTS
    title: str  # of new layers


def wanted_from(config: Any, plug_in: Path) -> Wanted:
    """plug_in: where settings.json is"""
    title = installed.title_of(config.get_property("model"), plug_in)
    return Wanted(arguments.options_from(config), config.get_property("output"), title)


@contextlib.contextmanager
def coloured(
    image: Any, chosen: list[Any], wanted: Wanted, client: Client, progress: Callable[[int, int], Progress]
) -> Iterator[list[Coloured]]:
    """The chosen layers in colours; the image is as it was. `progress` is asked for that of one layer of so many."""
    replaces = wanted.output == "replace"
    if replaces:
        for layer in chosen:
            layers.check_replaceable(layer)
    with contextlib.ExitStack() as files:
        done = []
        for number, layer in enumerate(chosen):
            pixels = files.enter_context(client.pixels(layers.shape_of(image, layer)))
            layers.read(layer, pixels, as_seen=not replaces)
            result = client.colorize(pixels, wanted.options, progress(number, len(chosen)))
            done.append(Coloured(layer, pixels, result))
        layers.layers_to_colorize(image, chosen)  # once more: meanwhile anything may have happened to them
        yield done


def write(image: Any, done: list[Coloured], wanted: Wanted) -> None:
    """Puts the coloured pixels where the user wants them; new layers are then the selected ones."""
    layers.convert_to_rgb(image)
    if wanted.output == "replace":
        for one in done:
            layers.replace(one.layer, one.pixels)
    else:
        mode = Gimp.LayerMode.LCH_COLOR if wanted.output == "color-layer" else Gimp.LayerMode.NORMAL
        image.set_selected_layers([layers.add(image, one.layer, one.pixels, wanted.title, mode) for one in done])


def told(done: list[Coloured], noted: str | None) -> str:
    """What a user shall know of a run: so little that GIMP's status bar has room for it, unless something is new.

    noted: what the preview said of the device; None where there was none
    """
    together = done[-1].result | {"seconds": sum(one.result["seconds"] for one in done)}
    is_new = noted is not None and together["note"] not in ("", noted)
    return status(together if is_new else together | {"note": ""})


def status(result: Message) -> str:
    """What the worker says of a run, or why there was none."""
    if "message" in result:
        return str(result["message"])
    ran = result["note"] or f"Ran on the {result['device'].upper()}."
    return f"Took {result['seconds']:.1f}\N{NO-BREAK SPACE}s. {ran}"
