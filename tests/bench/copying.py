#!/usr/bin/env python3
"""A plug-in of GIMP 3 that copies a layer: what any plug-in has to do that makes a layer from another."""

from __future__ import annotations

import sys
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp  # noqa: E402

PROCEDURE = "plug-in-copying"
KIND = "R'G'B' u8"


class Copying(Gimp.PlugIn):  # type: ignore[misc]
    """The plug-in, as GIMP asks for it."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Any:
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, copy, None)
        procedure.set_image_types("*")
        return procedure


def copy(procedure: Any, _run_mode: Any, image: Any, drawables: list[Any], _config: Any, _data: object) -> Any:
    """Reads all pixels of an 8-bit layer at once and writes them into a new one."""
    Gegl.init(None)
    (layer,) = drawables
    size = layer.get_width(), layer.get_height()
    everything = Gegl.Rectangle.new(0, 0, *size)
    copied = Gimp.Layer.new(image, "copy", *size, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.LCH_COLOR)
    buffer = copied.get_buffer()
    buffer.set(everything, KIND, layer.get_buffer().get(everything, 1.0, KIND, Gegl.AbyssPolicy.NONE))
    buffer.flush()
    image.insert_layer(copied, None, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


Gimp.main(Copying.__gtype__, sys.argv)
