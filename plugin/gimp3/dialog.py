"""The dialog: the photograph in colours before OK is pressed, suggestions to click on, and the options.

It changes nothing but the procedure's config; GIMP remembers, resets and stores that.
"""

from __future__ import annotations

from typing import Any

import gi
from arguments import options_from
from colorize_neural.client import Client
from colorize_neural.previewer import Previewer, Wish
from colorize_neural.protocol import Message
from colouring import status
from installed import Model
from layers import Reduced
from model_chooser import ModelChooser
from picture import BeforeAfter, fitted, pixbuf_from
from suggestions import SUGGESTED, SUGGESTIONS, Suggestion
from widgets import align, choice_labels, column, failures_told, label_of, name_scales, text

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, GLib, GObject, Gtk  # noqa: E402

LEAST_PREVIEW = (420, 340)  # pixels, and those of the thumbnails below
THUMBNAIL = (80, 60)
MAIN = "the photograph"
DIM = 0.3  # the opacity of a suggestion that is still to come
WAIT = 0.1  # seconds: no bar for what takes less


def confirmed(procedure: Any, config: Any, client: Client, photograph: Reduced, models: list[Model]) -> str | None:
    """Shows the dialog until the user decides; after an OK the worker is idle, after a Cancel it has ended.

    -> what the last preview noted of the device; None after a Cancel
    """
    GimpUi.init(procedure.get_name())
    return Dialog(procedure, config, client, photograph, models).run()


class Dialog:
    """GIMP's own dialog for a procedure's arguments, with the preview beside them."""

    def __init__(self, procedure: Any, config: Any, client: Client, photograph: Reduced, models: list[Model]) -> None:
        self._config, self._client, self._photograph = config, client, photograph
        self._suggested_for: dict[str, object] = {}
        self._missing: list[Suggestion] = []  # suggestions whose pictures are still to come
        self._wanted: list[Wish] = []
        self._is_following = False
        self._note = ""  # of the last preview
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, "Colorize (neural)")
        self._dialog.set_ok_label("Colori_ze")
        before = pixbuf_from(photograph.shape, photograph.rows)
        self._picture = BeforeAfter(before, LEAST_PREVIEW)
        self._thumbnails = {one.title: Gtk.Image(pixbuf=fitted(before, *THUMBNAIL)) for one in SUGGESTIONS}
        self._buttons: dict[Suggestion, Any] = {}
        self._chooser, self._status = ModelChooser(config, models), text("status")
        self._lay_out()
        self._previewer = Previewer(client, photograph.shape, photograph.rows, self._deliver)
        self._watch = config.connect("notify", self._on_change)
        self._follow()

    def run(self) -> str | None:
        with failures_told(self._status):
            answer = self._dialog.run()
        self._config.disconnect(self._watch)
        self._dialog.destroy()
        self._previewer.stop()
        if answer:
            self._finish_the_preview()
        else:
            self._client.close()  # in mid-work
        self._previewer.wait()
        return self._note if answer else None

    def _finish_the_preview(self) -> None:
        """The picture that is in work cannot be left to itself; where that takes its time, GIMP's Cancel is there."""
        if not self._previewer.wait(WAIT):
            Gimp.progress_init("Finishing the preview")
            while not self._previewer.wait(WAIT):
                Gimp.progress_pulse()

    def _lay_out(self) -> None:
        left = column(self._picture.widget, self._suggestions())
        left.set_child_packing(self._picture.widget, True, True, 0, Gtk.PackType.START)
        both = Gtk.Box(spacing=18, border_width=12)
        both.pack_start(left, True, True, 0)
        both.pack_start(self._controls(), False, False, 0)
        self._dialog.get_content_area().pack_start(both, True, True, 0)
        both.show_all()

    def _suggestions(self) -> Any:
        strip = Gtk.Box(spacing=6, homogeneous=True)
        for suggestion in SUGGESTIONS:
            button = Gtk.Button(name=f"suggestion {suggestion.title}")
            self._buttons[suggestion] = button
            button.add(column(self._thumbnails[suggestion.title], Gtk.Label(label=suggestion.title)))
            button.connect("clicked", self._on_suggestion, suggestion)
            strip.pack_start(button, True, True, 0)
        return strip

    def _controls(self) -> Any:
        name_scales(self._dialog)
        align(label_of(self._chooser.rows[0]), *choice_labels(self._dialog, "output", "device"))
        common = self._dialog.fill_box("common", ["strength", "warmth", "output", "edge-guidance"])
        rarer = self._dialog.fill_box("rarer", ["equalize", "device"])
        for box in (common, rarer):
            box.set_spacing(6)
        rarer.set_margin_top(6)
        more = Gtk.Expander(label="More o_ptions", use_underline=True, name="more")
        more.add(rarer)
        for name in ("output", "edge-guidance", "equalize", "device"):
            self._dialog.get_widget(name, GObject.TYPE_NONE).set_name(name)
        controls = column(*self._chooser.rows, common, more, self._status)
        controls.set_hexpand(False)  # though sliders would like to: all the room that is left is the photograph's
        return controls

    def _on_change(self, *_: object) -> None:
        """A click can change several properties: follow them once, afterwards."""
        if not self._is_following:
            self._is_following = True
            GLib.idle_add(self._follow)

    def _follow(self) -> None:
        """Shows which suggestion the config holds, and has the photograph coloured by it."""
        self._is_following = False
        for suggestion, button in self._buttons.items():
            chosen = all(self._config.get_property(name) == getattr(suggestion, name) for name in SUGGESTED)
            button.set_relief(Gtk.ReliefStyle.NORMAL if chosen else Gtk.ReliefStyle.NONE)
        self._want()

    def _want(self) -> None:
        options = options_from(self._config)
        base = {name: value for name, value in options.items() if name not in SUGGESTED}
        if base != self._suggested_for:
            self._suggested_for, self._missing = base, [*SUGGESTIONS]
            for thumbnail in self._thumbnails.values():
                thumbnail.set_opacity(DIM)
        foreseen = {one.temperature or self._chooser.own_temperature() or 0 for one in self._missing} - {0}
        self._wanted = [Wish(MAIN, options, sorted(foreseen))]
        self._wanted += [Wish(one.title, base | one.options) for one in self._missing]
        self._previewer.want(self._wanted)
        self._picture.set_busy(True)

    def _deliver(self, wish: Wish, rows: bytes, result: Message) -> None:
        self._note = result.get("note", "")
        GLib.idle_add(self._show, wish, rows, result)

    def _show(self, wish: Wish, rows: bytes, result: Message) -> None:
        """One of the pictures is ready, or the sentence that tells why it is not; what is outdated is left out."""
        if not any(wish is wanted for wanted in self._wanted):
            return
        coloured = self._photograph.limited(rows) if rows else self._photograph.rows
        after = pixbuf_from(self._photograph.shape, coloured)
        if wish.name == MAIN:
            self._picture.set_busy(False)
            self._picture.show_after(after)
            self._status.set_text(status(result))
        elif rows:
            self._thumbnails[wish.name].set_from_pixbuf(fitted(after, *THUMBNAIL))
            self._thumbnails[wish.name].set_opacity(1.0)
            self._missing = [one for one in self._missing if one.title != wish.name]

    def _on_suggestion(self, _button: Any, suggestion: Suggestion) -> None:
        for name in SUGGESTED:
            self._config.set_property(name, getattr(suggestion, name))
