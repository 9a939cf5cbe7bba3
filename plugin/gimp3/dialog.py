"""The dialog: the photograph in colours before OK is pressed, suggestions to click on, and the options.

It changes nothing but the procedure's config; GIMP remembers, resets and stores that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gi
from arguments import options_from
from colorize_neural.client import Client
from colorize_neural.previewer import Previewer, Wish
from colorize_neural.protocol import Message
from installed import Model
from layers import Reduced
from picture import BeforeAfter, fitted, pixbuf_from
from widgets import column, labelled, model_combo, name_scale, text

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, GLib, Gtk  # noqa: E402

LEAST_PREVIEW = (420, 340)  # pixels, and those of the thumbnails below
THUMBNAIL = (80, 60)
MAIN = "the photograph"
DIM = 0.3  # the opacity of a suggestion that is still to come
SUGGESTED = ("temperature", "strength", "warmth")


@dataclass(frozen=True)
class Suggestion:
    """Options to click on; the temperature 0 is the model's own."""

    title: str
    temperature: float
    strength: float
    warmth: float


SUGGESTIONS = (
    Suggestion("Cautious", 1.0, 0.7, 0.0),
    Suggestion("Natural", 0.0, 1.0, 0.0),
    Suggestion("Vivid", 0.2, 1.4, 0.0),
    Suggestion("Warmer", 0.0, 1.0, 0.6),
    Suggestion("Colder", 0.0, 1.0, -0.6),
)


def options_of(suggestion: Suggestion) -> dict[str, object]:
    values = {name: getattr(suggestion, name) for name in SUGGESTED}
    return values | {"temperature": suggestion.temperature or None}


def confirmed(procedure: Any, config: Any, client: Client, photograph: Reduced, models: list[Model]) -> bool:
    """Shows the dialog until the user decides; after an OK the worker is idle, after a Cancel it has ended."""
    GimpUi.init(procedure.get_name())
    return Dialog(procedure, config, client, photograph, models).run()


class Dialog:
    """GIMP's own dialog for a procedure's arguments, with the preview beside them."""

    def __init__(self, procedure: Any, config: Any, client: Client, photograph: Reduced, models: list[Model]) -> None:
        self._config, self._client, self._photograph = config, client, photograph
        self._models = {model.id: model for model in models}
        self._suggested_for: dict[str, object] = {}
        self._missing: list[Suggestion] = []  # suggestions whose pictures are still to come
        self._wanted: list[Wish] = []
        self._is_following = False
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, "Colorize (neural)")
        self._dialog.set_ok_label("Colori_ze")
        before = pixbuf_from(photograph.shape, photograph.rows)
        self._picture = BeforeAfter(before, LEAST_PREVIEW)
        self._thumbnails = {one.title: Gtk.Image(pixbuf=fitted(before, *THUMBNAIL)) for one in SUGGESTIONS}
        self._buttons: dict[Suggestion, Any] = {}
        self._status, self._description, self._hint = map(text, ("status", "description", "temperature-hint"))
        self._lay_out()
        self._previewer = Previewer(client, photograph.shape, photograph.rows, self._deliver)
        self._watch = config.connect("notify", self._on_change)
        self._follow()

    def run(self) -> bool:
        answer: bool = self._dialog.run()
        self._config.disconnect(self._watch)
        self._dialog.destroy()
        self._previewer.stop()
        if answer:
            Gimp.progress_init("Finishing the preview")  # and with it a way to cancel
        else:
            self._client.close()  # in mid-work
        self._previewer.wait()
        return answer

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
        strength = self._dialog.get_spin_scale("strength", 100.0)
        strength.set_label("Stren_gth (%)")
        name_scale(strength, "strength", digits=0)
        name_scale(self._dialog.get_spin_scale("warmth", 1.0), "warmth", digits=2)
        room = Gtk.Adjustment(value=1.0, lower=0.05, upper=1.0, step_increment=0.05, page_increment=0.1)
        self._temperature = GimpUi.SpinScale.new(room, "_Temperature", 2)
        name_scale(self._temperature, "temperature", digits=2)
        self._temperature.connect("value-changed", self._on_temperature)
        self._combo = model_combo([*self._models.values()])
        self._combo.connect("changed", self._on_model)
        model = labelled("_Model", self._combo)
        common = self._dialog.fill_box("common", ["strength", "warmth", "output", "edge-guidance"])
        rarer = Gtk.Expander(label="More o_ptions", use_underline=True, name="more")
        rarer.add(self._dialog.fill_box("rarer", ["equalize", "device"]))
        controls = column(model, self._description, self._temperature, self._hint, common, rarer, self._status)
        controls.set_hexpand(False)  # though sliders would like to: all the room that is left is the photograph's
        return controls

    def _on_change(self, *_: object) -> None:
        """A click can change several properties: follow them once, afterwards."""
        if not self._is_following:
            self._is_following = True
            GLib.idle_add(self._follow)

    def _follow(self) -> None:
        """Shows what the config holds, and has the photograph coloured so."""
        self._is_following = False
        model = self._model()
        if model:
            self._combo.set_active_id(model.id)
            self._description.set_text(model.description)
        ignores = bool(model) and self._own_temperature() is None
        self._temperature.set_sensitive(not ignores)
        self._temperature.set_value(self._shown_temperature())
        self._hint.set_text("This model has no temperature." if ignores else "Low is vivid, high is cautious.")
        for suggestion, button in self._buttons.items():
            chosen = all(self._config.get_property(name) == getattr(suggestion, name) for name in SUGGESTED)
            button.set_relief(Gtk.ReliefStyle.NORMAL if chosen else Gtk.ReliefStyle.NONE)
        self._want()

    def _model(self) -> Model | None:
        """The chosen one; None where none is installed."""
        return self._models.get(self._config.get_property("model"))

    def _own_temperature(self) -> float | None:
        """The model's, where it has one."""
        model = self._model()
        return model.temperature if model else None

    def _shown_temperature(self) -> float:
        return self._config.get_property("temperature") or self._own_temperature() or 1.0

    def _want(self) -> None:
        options = options_from(self._config)
        base = {name: value for name, value in options.items() if name not in SUGGESTED}
        if base != self._suggested_for:
            self._suggested_for, self._missing = base, [*SUGGESTIONS]
            for thumbnail in self._thumbnails.values():
                thumbnail.set_opacity(DIM)
        foreseen = {one.temperature or self._own_temperature() or 0 for one in self._missing} - {0}
        self._wanted = [Wish(MAIN, options, sorted(foreseen))]
        self._wanted += [Wish(one.title, base | options_of(one)) for one in self._missing]
        self._previewer.want(self._wanted)
        self._picture.set_busy(True)

    def _deliver(self, *done: Any) -> None:
        GLib.idle_add(self._show, *done)

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

    def _on_model(self, combo: Any) -> None:
        if combo.get_active_id() not in (None, self._config.get_property("model")):
            self._config.set_property("model", combo.get_active_id())

    def _on_temperature(self, scale: Any) -> None:
        if abs(scale.get_value() - self._shown_temperature()) > 1e-6:
            self._config.set_property("temperature", scale.get_value())

    def _on_suggestion(self, _button: Any, suggestion: Suggestion) -> None:
        for name in SUGGESTED:
            self._config.set_property(name, getattr(suggestion, name))


def status(result: Message) -> str:
    """What the worker says of its last run, or why there was none."""
    if "message" in result:
        return str(result["message"])
    ran = result["note"] or f"Ran on the {result['device'].upper()}."
    return f"Took {result['seconds']:.1f}\N{NO-BREAK SPACE}s. {ran}"
