#!/usr/bin/env python3
"""Colors > Colorize (neural) in GIMP 3: the procedure, and the way of the photographs.

The image is touched last, in one undo step: GIMP kills a cancelled plug-in outright, and nothing of it may then show.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi
from colorize_neural import settings
from colorize_neural.client import Client, Pixels

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import arguments  # noqa: E402
import installed  # noqa: E402
import layers  # noqa: E402
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402

PROCEDURE = "plug-in-colorize-neural"
FOLDER = Path(__file__).resolve().parent


class ColorizeNeural(Gimp.PlugIn):  # type: ignore[misc]
    """The plug-in, as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        self.set_help_domain(PROCEDURE, Gio.File.new_for_path(str(FOLDER / "help")))
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Any:
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("*")  # what cannot be coloured gets a sentence, which a greyed entry has not
        mask = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(mask.DRAWABLE | mask.DRAWABLES | mask.NO_DRAWABLES)
        procedure.set_menu_label("Colori_ze (neural)…")
        procedure.add_menu_path("<Image>/Colors")
        procedure.set_documentation(
            "Give a black-and-white photograph its colours",
            "A neural network that runs on this computer finds plausible colours; the lightness stays as it is.",
            name,
        )
        procedure.set_attribution("Colorize (neural)", "GPL-3.0-or-later", "2026")
        arguments.add(procedure, installed.models(FOLDER))
        return procedure


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, _data: object) -> Any:
    """What GIMP calls: the one place where failures become GIMP's error box."""
    try:
        chosen = layers.layers_to_colorize(image, drawables)
        Gegl.init(None)
        with Client(settings.read(FOLDER)) as client:
            if run_mode == Gimp.RunMode.INTERACTIVE and not confirmed(procedure, image, chosen, config, client):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            colorize(image, chosen, config, client)
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    except layers.WrongLayerError as error:
        status, message = Gimp.PDBStatusType.CALLING_ERROR, str(error)
    except Exception as error:
        status, message = Gimp.PDBStatusType.EXECUTION_ERROR, settings.sentence_of(error)
    return procedure.new_return_values(status, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0))


def confirmed(procedure: Any, image: Any, chosen: list[Any], config: Any, client: Client) -> bool:
    """Shows the dialog, its preview of the first layer."""
    import dialog  # noqa: PLC0415 - loads GTK, which a call without windows can do without

    photograph, models = layers.reduced(image, chosen[0]), installed.models(FOLDER)
    if not dialog.confirmed(procedure, config, client, photograph, models):
        return False
    layers.layers_to_colorize(image, chosen)  # once more: behind the dialog anything may have happened to them
    return True


def colorize(image: Any, chosen: list[Any], config: Any, client: Client) -> None:
    """The way of the chosen layers: read, have each coloured, and only then write."""
    replaces = config.get_property("output") == "replace"
    if replaces:
        for layer in chosen:
            layers.check_replaceable(layer)
    Gimp.progress_init("Reading the photograph")
    with contextlib.ExitStack() as files:
        coloured = []
        for number, layer in enumerate(chosen):
            pixels = files.enter_context(client.pixels(layers.shape_of(image, layer)))
            layers.read(layer, pixels, as_seen=not replaces)
            client.colorize(pixels, arguments.options_from(config), progress_of(number, len(chosen)))
            coloured.append((layer, pixels))
        Gimp.progress_end()  # and with it GIMP's Cancel, which would leave a half-done undo step behind
        with layers.one_undo_step(image):
            write(image, coloured, config)
    Gimp.displays_flush()


def write(image: Any, coloured: list[tuple[Any, Pixels]], config: Any) -> None:
    """Puts the coloured pixels where the user wants them; new layers are then the selected ones."""
    layers.convert_to_rgb(image)
    if config.get_property("output") == "replace":
        for layer, pixels in coloured:
            layers.replace(layer, pixels)
    else:
        title, mode = installed.title_of(config.get_property("model"), FOLDER), mode_from(config)
        image.set_selected_layers([layers.add(image, layer, pixels, title, mode) for layer, pixels in coloured])


def mode_from(config: Any) -> Any:
    return Gimp.LayerMode.LCH_COLOR if config.get_property("output") == "color-layer" else Gimp.LayerMode.NORMAL


def progress_of(number: int, count: int) -> Callable[[float, str], None]:
    """Shows how far one layer of several is, counted from 0."""
    which = f" ({number + 1} of {count})" if count > 1 else ""

    def show(fraction: float, text: str) -> None:
        Gimp.progress_set_text(text + which)
        Gimp.progress_update((number + fraction) / count)

    return show


Gimp.main(ColorizeNeural.__gtype__, sys.argv)
