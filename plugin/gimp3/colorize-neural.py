#!/usr/bin/env python3
"""Colorize (neural) in GIMP 3: its procedures, and the one place where their failures become GIMP's error box.

The image is touched last, in one undo step: GIMP kills a cancelled plug-in outright, and nothing of it may then show.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi
from colorize_neural import settings
from colorize_neural.client import Client

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import arguments  # noqa: E402
import colouring  # noqa: E402
import folder  # noqa: E402
import installed  # noqa: E402
import layers  # noqa: E402
from gi.repository import Gegl, Gimp, Gio, GLib, GObject  # noqa: E402

LAYERS, FOLDER = "plug-in-colorize-neural", "plug-in-colorize-neural-folder"
PLUG_IN = Path(__file__).resolve().parent


class ColorizeNeural(Gimp.PlugIn):  # type: ignore[misc]
    """The plug-in, as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        self.set_help_domain(LAYERS, Gio.File.new_for_path(str(PLUG_IN / "help")))
        return [LAYERS, FOLDER]

    def do_create_procedure(self, name: str) -> Any:
        procedure = for_layers(self) if name == LAYERS else for_a_folder(self)
        procedure.set_attribution("Colorize (neural)", "GPL-3.0-or-later", "2026")
        return procedure


def for_layers(plug_in: Any) -> Any:
    """Colors > Colorize (neural)."""
    procedure = Gimp.ImageProcedure.new(plug_in, LAYERS, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")  # what cannot be coloured gets a sentence, which a greyed entry has not
    mask = Gimp.ProcedureSensitivityMask
    procedure.set_sensitivity_mask(mask.DRAWABLE | mask.DRAWABLES | mask.NO_DRAWABLES)
    procedure.set_menu_label("Colori_ze (neural)…")
    procedure.add_menu_path("<Image>/Colors")
    procedure.set_documentation(
        "Give a black-and-white photograph its colours",
        "A neural network that runs on this computer finds plausible colours; the lightness stays as it is.",
        LAYERS,
    )
    arguments.add(procedure, installed.models(PLUG_IN))
    return procedure


def for_a_folder(plug_in: Any) -> Any:
    """File > Colorize a Folder (neural)."""
    procedure = Gimp.Procedure.new(plug_in, FOLDER, Gimp.PDBProcType.PLUGIN, run_on_folder, None)
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
    procedure.set_menu_label("Colori_ze a Folder (neural)…")
    procedure.add_menu_path("<Image>/File/[Export]")
    procedure.set_documentation(
        "Give all black-and-white photographs in a folder their colours",
        "Each photograph that GIMP can open is coloured as it is seen, and saved under its name in another folder. "
        "What is done already is left out: a run that was ended is resumed by the same call.",
        FOLDER,
    )
    arguments.add_folders(procedure)
    arguments.add(procedure, installed.models(PLUG_IN))
    arguments.add_results(procedure)
    for name, blurb in folder.COUNTS.items():
        procedure.add_int_return_value(name, name, blurb, 0, GLib.MAXINT, 0, GObject.ParamFlags.READWRITE)
    return procedure


def run(procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, _data: object) -> Any:
    """What GIMP calls for the layers of an image."""

    def work() -> Any:
        chosen = layers.layers_to_colorize(image, drawables)
        with Client(settings.read(PLUG_IN)) as client:
            client.prepare(arguments.options_from(config))
            Gegl.init(None)
            if run_mode != Gimp.RunMode.INTERACTIVE:
                colorize(image, chosen, config, client)
                return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
            noted = confirmed(procedure, image, chosen, config, client)
            if noted is None:
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            news = colouring.news(colorize(image, chosen, config, client), noted)
        if news:
            Gimp.message(news)
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

    return answer(procedure, work)


def run_on_folder(procedure: Any, config: Any, _data: object) -> Any:
    """What GIMP calls for a folder of photographs."""

    def work() -> Any:
        interactive = config.get_property("run-mode") == Gimp.RunMode.INTERACTIVE
        if interactive and not confirmed_folder(procedure, config):
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        procedure.get_plug_in().set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)  # no box for each broken photograph
        Gegl.init(None)
        counts, told = folder.colorize(config, PLUG_IN)
        if interactive:
            Gimp.message(settings.printable(told))
        values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
        for place, count in enumerate(counts, start=1):
            values.remove(place)
            values.insert(place, GObject.Value(GObject.TYPE_INT, count))
        return values

    return answer(procedure, work)


def answer(procedure: Any, work: Callable[[], Any]) -> Any:
    """What the work returns, or how it failed."""
    try:
        return work()
    except layers.WrongLayerError as error:
        status, message = Gimp.PDBStatusType.CALLING_ERROR, str(error)
    except Exception as error:
        status, message = Gimp.PDBStatusType.EXECUTION_ERROR, settings.sentence_of(error)
    told = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), settings.printable(message), 0)
    return procedure.new_return_values(status, told)


def confirmed(procedure: Any, image: Any, chosen: list[Any], config: Any, client: Client) -> str | None:
    """Shows the dialog, its preview of the first layer -> what that noted of the device; None after a Cancel."""
    import dialog  # noqa: PLC0415 - loads GTK, which a call without windows can do without

    photograph, models = layers.reduced(image, chosen[0]), installed.models(PLUG_IN)
    noted = dialog.confirmed(procedure, config, client, photograph, models)
    if noted is not None:
        layers.layers_to_colorize(image, chosen)  # behind the dialog anything may have happened to them
    return noted


def confirmed_folder(procedure: Any, config: Any) -> bool:
    """Shows the dialog of a folder."""
    import folder_dialog  # noqa: PLC0415 - loads GTK, which a call without windows can do without

    return folder_dialog.confirmed(procedure, config, installed.models(PLUG_IN))


def colorize(image: Any, chosen: list[Any], config: Any, client: Client) -> list[colouring.Coloured]:
    """Colours the chosen layers in one undo step."""
    wanted = colouring.wanted_from(config, PLUG_IN)
    Gimp.progress_init("Reading the photograph")
    with colouring.coloured(image, chosen, wanted, client, progress_of) as done:
        client.dismiss()
        Gimp.progress_end()  # and with it GIMP's Cancel, which would leave a half-done undo step behind
        with layers.one_undo_step(image):
            colouring.write(image, done, wanted)
    Gimp.displays_flush()
    return done


def progress_of(number: int, count: int) -> colouring.Progress:
    """Shows how far one layer of several is, counted from 0."""
    which = f" ({number + 1} of {count})" if count > 1 else ""

    def show(fraction: float, text: str) -> None:
        Gimp.progress_set_text(text + which)
        Gimp.progress_update((number + fraction) / count)

    return show


Gimp.main(ColorizeNeural.__gtype__, sys.argv)
