"""The model and its temperature, as both dialogs show them: headings among the models, and the temperature that counts.

It changes nothing but the procedure's config, and follows that. A temperature of 0 there is shown as the model's own,
and the model's own is kept as 0, so that another model comes with its own.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import gi
from installed import Model
from widgets import labelled, name_scale, text

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk  # noqa: E402

HEADINGS = {"papers": "From papers, to compare", "added": "Added by you"}


class ModelChooser:
    """`rows` are its widgets, from above."""

    def __init__(self, config: Any, models: list[Model]) -> None:
        self._config = config
        self._models = {model.id: model for model in models}
        self._combo = _combo(models)
        self._description, self._hint = text("description"), text("temperature-hint")
        room = Gtk.Adjustment(value=1.0, lower=0.05, upper=1.0, step_increment=0.05, page_increment=0.1)
        self._temperature = GimpUi.SpinScale.new(room, "_Temperature", 2)
        name_scale(self._temperature, "temperature", digits=2)
        self.rows = [labelled("_Model", self._combo), self._description, self._temperature, self._hint]
        self._combo.connect("changed", self._on_model)
        self._temperature.connect("value-changed", self._on_temperature)
        for name in ("model", "temperature"):
            config.connect(f"notify::{name}", self._follow)
        self._follow()

    def own_temperature(self) -> float | None:
        """The chosen model's, where it has one."""
        model = self._model()
        return model.temperature if model else None

    def _follow(self, *_: object) -> None:
        model = self._model()
        if model:
            self._combo.set_active_id(model.id)
            self._description.set_text(model.description)
        ignores = bool(model) and self.own_temperature() is None
        self._temperature.set_sensitive(not ignores)
        self._temperature.set_value(self._shown_temperature())
        self._hint.set_text("This model has no temperature." if ignores else "Low is bold, high is even.")

    def _model(self) -> Model | None:
        """The chosen one; None where none is installed."""
        return self._models.get(self._config.get_property("model"))

    def _shown_temperature(self) -> float:
        return self._config.get_property("temperature") or self.own_temperature() or 1.0

    def _on_model(self, combo: Any) -> None:
        if combo.get_active_id() not in (None, self._config.get_property("model")):
            self._config.set_property("model", combo.get_active_id())

    def _on_temperature(self, scale: Any) -> None:
        value = scale.get_value()
        if not math.isclose(value, self._shown_temperature(), abs_tol=1e-6):
            is_own = math.isclose(value, self.own_temperature() or 1.0, abs_tol=0.005)  # as far as the slider shows it
            self._config.set_property("temperature", 0.0 if is_own else value)


def _combo(models: list[Model]) -> Any:
    """The recommended models, and the others under headings; the id of a row that cannot be chosen is empty."""
    store = Gtk.ListStore(str, str, bool)
    for group, models_of_group in itertools.groupby(models, key=lambda model: model.group):
        if group in HEADINGS:
            store.append(["", "", False])
            store.append(["", HEADINGS[group], False])
        for model in models_of_group:
            store.append([model.id, model.title, True])
    combo = Gtk.ComboBox(model=store, id_column=0, name="model")
    combo.set_row_separator_func(lambda rows, row: not rows[row][1])
    title = Gtk.CellRendererText()
    combo.pack_start(title, True)
    combo.add_attribute(title, "text", 1)
    combo.add_attribute(title, "sensitive", 2)
    return combo
