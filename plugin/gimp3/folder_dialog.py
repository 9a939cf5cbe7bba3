"""The dialog of a folder: two folders to choose, the model, and the other options, which GIMP's own dialog shows.

It changes nothing but the procedure's config; GIMP remembers, resets and stores that.
"""

from __future__ import annotations

from typing import Any

import gi
from arguments import FOLDERS
from installed import Model
from model_chooser import ModelChooser
from widgets import align, choice_labels, column, failures_told, label_of, labelled, name_scales, text

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk  # noqa: E402

OPTIONS = ("strength", "warmth", "output", "edge-guidance", "equalize", "device", "format", "overwrite")
HINT = (
    "Each photograph that GIMP can open is saved under its own name. What is done already is left out, "
    "so a run that was cancelled goes on."
)
WANTED = "Choose the folder of photographs, and another one for the results."


def confirmed(procedure: Any, config: Any, models: list[Model]) -> bool:
    """Shows the dialog until the user decides."""
    GimpUi.init(procedure.get_name())
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Colorize a folder (neural)")
    dialog.set_ok_label("Colori_ze")
    hint = text("hint")
    name_scales(dialog)
    folders = [labelled(label, _chooser(config, name, blurb)) for name, (label, blurb) in FOLDERS.items()]
    chooser = ModelChooser(config, models)
    align(*(label_of(row) for row in (*folders, chooser.rows[0])), *choice_labels(dialog, "output", "device", "format"))
    all_of_it = column(*folders, hint, *chooser.rows, dialog.fill_box("options", OPTIONS))
    all_of_it.set_border_width(12)
    dialog.get_content_area().pack_start(all_of_it, True, True, 0)
    all_of_it.show_all()
    _want_folders(dialog, config, hint)
    with failures_told(hint):
        answer: bool = dialog.run()
    dialog.destroy()
    return answer


def _want_folders(dialog: Any, config: Any, hint: Any) -> None:
    """OK can be pressed as soon as both are chosen, and the hint asks for them until then."""
    button = dialog.get_widget_for_response(Gtk.ResponseType.OK)
    button.set_name("ok")

    def follow(*_: object) -> None:
        both = all(config.get_property(name) for name in FOLDERS)
        button.set_sensitive(both)
        hint.set_text(HINT if both else WANTED)

    follow()
    for name in FOLDERS:
        config.connect(f"notify::{name}", follow)


def _chooser(config: Any, name: str, blurb: str) -> Any:
    """A button that shows and changes a folder of the config."""
    button = Gtk.FileChooserButton(title=blurb, action=Gtk.FileChooserAction.SELECT_FOLDER, name=name)

    def follow(*_: object) -> None:
        file = config.get_property(name)
        if file is None:
            button.unselect_all()
        elif button.get_file() is None or not button.get_file().equal(file):
            button.set_file(file)

    follow()
    config.connect(f"notify::{name}", follow)
    button.connect("file-set", lambda chosen: config.set_property(name, chosen.get_file()))
    return button
