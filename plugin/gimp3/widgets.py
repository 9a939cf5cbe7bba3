"""Small arrangements of GTK widgets that the dialogs are made of."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import gi
from colorize_neural import settings

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402

TEXT_WIDTH = 40  # characters, where lines are broken


def text(name: str) -> Any:
    """A place for a sentence."""
    label = Gtk.Label(name=name, xalign=0.0, wrap=True, max_width_chars=TEXT_WIDTH)
    label.get_style_context().add_class("dim-label")
    return label


@contextlib.contextmanager
def failures_told(place: Any) -> Iterator[None]:
    """Meanwhile, what fails in an answer to a click or a key is told there: GTK goes on, and raises nothing."""
    usual = sys.excepthook
    sys.excepthook = lambda _kind, error, _trace: place.set_text(settings.sentence_of(error))
    try:
        yield
    finally:
        sys.excepthook = usual


def labelled(caption: str, widget: Any) -> Any:
    row = Gtk.Box(spacing=6)
    row.pack_start(Gtk.Label(label=caption, use_underline=True, mnemonic_widget=widget, xalign=0.0), False, False, 0)
    row.pack_start(widget, True, True, 0)
    return row


def label_of(row: Any) -> Any:
    """That of a `labelled` widget."""
    return row.get_children()[0]


def choice_labels(dialog: Any, *names: str) -> list[Any]:
    """Has a dialog of GIMP's show its choices in boxes, for 3.2 has a button for each entry -> their labels."""
    return [dialog.get_widget(name, Gtk.ComboBox).get_label() for name in names]


def align(*labels: Any) -> None:
    """Makes them equally wide, and with them what is beside them."""
    together = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
    for label in labels:
        together.add_widget(label)


def name_scale(scale: Any, name: str, digits: int) -> None:
    """A slider of GIMP, with so many digits after the point."""
    scale.set_name(name)
    scale.set_digits(digits)


def name_scales(dialog: Any) -> None:
    """Makes the sliders of a dialog of GIMP's: the strength, in per cent, and the warmth."""
    scale = dialog.get_spin_scale("strength", 100.0)
    scale.set_label("Stren_gth (%)")
    name_scale(scale, "strength", digits=0)
    name_scale(dialog.get_spin_scale("warmth", 1.0), "warmth", digits=2)


def column(*widgets: Any) -> Any:
    """The widgets under each other."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box
