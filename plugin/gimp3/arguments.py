"""The procedure's arguments, which the dialog shows and other plug-ins give, and what the worker makes of them.

A blurb names its argument: batch plug-ins show nothing else of it.
"""

from __future__ import annotations

from typing import Any

import gi
from installed import Model

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GObject  # noqa: E402

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
FOLDERS = {
    "folder": ("_Photographs", "The folder of photographs, with all folders in it"),
    "out": ("_Results", "Another folder, which is made where it is missing"),
}
FORMATS = {
    "same": ("As the photograph", "The photograph's own, or XCF where that is only read"),
    "xcf": ("XCF", "GIMP's own, with layers"),
    "psd": ("PSD", "Photoshop's, with layers"),
    "png": ("PNG", "One layer, no loss"),
    "tiff": ("TIFF", "One layer, no loss"),
    "jpeg": ("JPEG", "One layer, hardly any loss"),
    "webp": ("WebP", "One layer, hardly any loss"),
}
OPTIONS = ("model", "temperature", "strength", "warmth", "edge-guidance", "equalize", "device")  # the worker's


def add(procedure: Any, models: list[Model]) -> None:
    """Declares them; a model's own temperature is 0, lest a change of the model keep the temperature of another."""
    flags = GObject.ParamFlags.READWRITE
    _add_model(procedure, models, flags)
    temperature = "Temperature: 0.05 is bold, 1 is even, 0 the model's own"
    procedure.add_double_argument("temperature", "_Temperature", temperature, 0.0, 1.0, 0.0, flags)
    strength = "Strength: the colourfulness is multiplied by it; 1 is the model's own"
    procedure.add_double_argument("strength", "Stren_gth", strength, 0.0, 2.0, 1.0, flags)
    warmth = "Warmth: below 0 is colder, above 0 warmer"
    procedure.add_double_argument("warmth", "_Warmth", warmth, -1.0, 1.0, 0.0, flags)
    edges = "Edge guidance: colours end where the photograph has an edge"
    procedure.add_boolean_argument("edge-guidance", "_Edge guidance", edges, True, flags)
    equalize = "Equalize: show the network full contrast, for hard or faded photographs"
    procedure.add_boolean_argument("equalize", "E_qualize", equalize, False, flags)
    _add_choice(procedure, "output", "O_utput", "Output: where the colours go", OUTPUTS)
    _add_choice(procedure, "device", "_Device", "Device: what the network runs on", DEVICES)


def _add_model(procedure: Any, models: list[Model], flags: Any) -> None:
    """A choice of the installed models; without any, a text, lest GIMP refuse the call before `run` tells why."""
    name, label, blurb = "model", "_Model", "Model: the network that finds the colours"
    if models:
        _add_choice(procedure, name, label, blurb, {model.id: (model.title, model.description) for model in models})
    else:
        procedure.add_string_argument(name, label, blurb, "", flags)


def _add_choice(procedure: Any, name: str, label: str, blurb: str, entries: dict[str, tuple[str, str]]) -> None:
    """Adds an argument with the entries {value: (title, description)}; the first one is the default."""
    choice = Gimp.Choice.new()
    for number, (value, (title, description)) in enumerate(entries.items()):
        choice.add(value, number, title, description)
    procedure.add_choice_argument(name, label, blurb, choice, next(iter(entries)), GObject.ParamFlags.READWRITE)


def add_folders(procedure: Any) -> None:
    """Declares what a folder of photographs needs beside the options of one.

    Any file will do: what GIMP itself would refuse a folder with is no help.
    """
    flags, any_file = GObject.ParamFlags.READWRITE, Gimp.FileChooserAction.ANY
    interactive = Gimp.RunMode.INTERACTIVE
    procedure.add_enum_argument("run-mode", "Run mode", "With a dialog or without", Gimp.RunMode, interactive, flags)
    for name, (label, blurb) in FOLDERS.items():
        procedure.add_file_argument(name, label, blurb, any_file, True, None, flags)


def add_results(procedure: Any) -> None:
    """Declares how a folder's results are written and told of."""
    flags = GObject.ParamFlags.READWRITE
    blurb = "Overwrite: replace results that are done, and files that this program did not write"
    procedure.add_boolean_argument("overwrite", "O_verwrite", blurb, False, flags)
    _add_choice(procedure, "format", "_Format", "Format: of the results", FORMATS)
    report = "Report: a JSON file that tells what became of each photograph"
    procedure.add_file_argument("report", "Report", report, Gimp.FileChooserAction.ANY, True, None, flags)


def options_from(config: Any) -> dict[str, object]:
    """The worker's options by name; a temperature of 0 is the model's own."""
    options = {name.replace("-", "_"): config.get_property(name) for name in OPTIONS}
    return options | {"temperature": options["temperature"] or None}
