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
from gi.repository import Gimp

Progress = Callable[[float, str], None]  # a fraction of the work, and what is done
Coloured = list[tuple[Any, Pixels]]  # each layer, and its pixels in colours


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
) -> Iterator[Coloured]:
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
            client.colorize(pixels, wanted.options, progress(number, len(chosen)))
            done.append((layer, pixels))
        yield done


def write(image: Any, done: Coloured, wanted: Wanted) -> None:
    """Puts the coloured pixels where the user wants them; new layers are then the selected ones."""
    layers.convert_to_rgb(image)
    if wanted.output == "replace":
        for layer, pixels in done:
            layers.replace(layer, pixels)
    else:
        mode = Gimp.LayerMode.LCH_COLOR if wanted.output == "color-layer" else Gimp.LayerMode.NORMAL
        image.set_selected_layers([layers.add(image, layer, pixels, wanted.title, mode) for layer, pixels in done])
