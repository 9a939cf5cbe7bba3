"""The dialog of a folder: GIMP's own, for the procedure's arguments."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import GimpUi  # noqa: E402

SHOWN = (
    *("folder", "out", "model", "temperature", "strength", "warmth", "output", "edge-guidance", "equalize"),
    *("device", "overwrite"),
)


def confirmed(procedure: Any, config: Any) -> bool:
    """Shows the dialog until the user decides."""
    GimpUi.init(procedure.get_name())
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Colorize a folder (neural)")
    dialog.set_ok_label("Colori_ze")
    dialog.fill(SHOWN)
    answer: bool = dialog.run()
    dialog.destroy()
    return answer
