#!/usr/bin/env python3
"""Colors > Colorize (neural) in GIMP 3: the procedure, its arguments and dialog, and the way of the photographs.

The image is touched last, in one undo step: GIMP kills a cancelled plug-in outright, and nothing of it may then show.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi
from colorize_neural import settings
from colorize_neural.client import Client, Pixels
from colorize_neural.errors import ColorizeError

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
import installed  # noqa: E402
import layers  # noqa: E402
from gi.repository import Gegl, Gimp, GimpUi, GLib, GObject  # noqa: E402

PROCEDURE = "plug-in-colorize-neural"
FOLDER = Path(__file__).resolve().parent

OUTPUTS = {
    "color-layer": ("Colour layer", "A new layer above the photograph that holds only its colours"),
    "layer": ("Layer", "A new layer above the photograph"),
    "replace": ("Replace", "The photograph itself becomes coloured"),
}
DEVICES = {
    "auto": ("Automatic", "The fastest device that works"),
    "cpu": ("CPU", "The processor"),
    "gpu": ("GPU", "The graphics card, or an error"),
}


class ColorizeNeural(Gimp.PlugIn):  # type: ignore[misc]
    """The plug-in, as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
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
        add_arguments(procedure)
        return procedure


def add_arguments(procedure: Any) -> None:
    models = installed.models(FOLDER)
    flags = GObject.ParamFlags.READWRITE
    add_model(procedure, models, flags)
    procedure.add_double_argument(
        "temperature",
        "_Temperature",
        "Low is vivid, high is cautious; left as it is, each model takes its own best",
        *(0.05, 1.0, installed.default_temperature(models), flags),
    )
    procedure.add_double_argument("strength", "_Strength", "Colourfulness is multiplied by it", 0.0, 2.0, 1.0, flags)
    procedure.add_boolean_argument(
        "edge-guidance", "_Edge guidance", "Colours end where the photograph has an edge", True, flags
    )
    procedure.add_boolean_argument(
        "equalize", "E_qualize", "Show the network full contrast: for hard black-and-white photographs", False, flags
    )
    add_choice(procedure, "output", "_Output", "Where the colours go", OUTPUTS)
    add_choice(procedure, "device", "_Device", "What the network runs on", DEVICES)


def add_model(procedure: Any, models: list[installed.Model], flags: Any) -> None:
    """A choice of the installed models; without any, a text, lest GIMP refuse the call before `run` tells why."""
    name, label, blurb = "model", "_Model", "The network that finds the colours"
    if models:
        add_choice(procedure, name, label, blurb, {model.id: (model.title, model.description) for model in models})
    else:
        procedure.add_string_argument(name, label, blurb, "", flags)


def add_choice(procedure: Any, name: str, label: str, blurb: str, entries: dict[str, tuple[str, str]]) -> None:
    """Adds an argument with the entries {value: (title, description)}; the first one is the default."""
    choice = Gimp.Choice.new()
    for number, (value, (title, description)) in enumerate(entries.items()):
        choice.add(value, number, title, description)
    procedure.add_choice_argument(name, label, blurb, choice, next(iter(entries)), GObject.ParamFlags.READWRITE)


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, _data: object) -> Any:
    """What GIMP calls: the one place where failures become GIMP's error box."""
    try:
        chosen = layers.layers_to_colorize(image, drawables)
        if run_mode == Gimp.RunMode.INTERACTIVE and not confirmed(procedure, config):
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        colorize(image, chosen, config)
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    except layers.WrongLayerError as error:
        status, message = Gimp.PDBStatusType.CALLING_ERROR, str(error)
    except ColorizeError as error:
        status, message = Gimp.PDBStatusType.EXECUTION_ERROR, str(error)
    except Exception:
        status, message = Gimp.PDBStatusType.EXECUTION_ERROR, settings.logged(traceback.format_exc())
    return procedure.new_return_values(status, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0))


def confirmed(procedure: Any, config: Any) -> bool:
    GimpUi.init(PROCEDURE)
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Colorize (neural)")
    for name in ("temperature", "strength"):
        dialog.get_scale_entry(name, 1.0)
    dialog.fill(None)
    answer: bool = dialog.run()
    dialog.destroy()
    return answer


def colorize(image: Any, chosen: list[Any], config: Any) -> None:
    """The way of the chosen layers: read, have each coloured, and only then write."""
    replaces = config.get_property("output") == "replace"
    if replaces:  # only now, for the dialog may have chosen another output
        for layer in chosen:
            layers.check_replaceable(layer)
    Gegl.init(None)
    Gimp.progress_init("Reading the photograph")
    with Client(settings.read(FOLDER)) as client, contextlib.ExitStack() as files:
        coloured = []
        for number, layer in enumerate(chosen):
            pixels = files.enter_context(client.pixels(layers.shape_of(image, layer)))
            layers.read(layer, pixels, as_seen=not replaces)
            client.colorize(pixels, options_from(config), progress_of(number, len(chosen)))
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


def options_from(config: Any) -> dict[str, object]:
    """The worker's options; a temperature left as it is is the model's own."""
    names = ("model", "temperature", "strength", "edge-guidance", "equalize", "device")
    options = {name.replace("-", "_"): config.get_property(name) for name in names}
    if options["temperature"] == config.find_property("temperature").default_value:
        options["temperature"] = None
    return options


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
