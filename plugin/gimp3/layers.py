"""Layers in GIMP 3: which one can be coloured, its pixels out to the worker's file, the coloured ones back in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from colorize_neural.client import Pixels
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Shape
from gi.repository import Gegl, Gimp

DTYPES = {150: "uint8", 175: "uint8", 250: "uint16", 275: "uint16"}  # by Gimp.Precision; the others are read as float
BABL_DEPTHS = {"uint8": "u8", "uint16": "u16", "float32": "float"}
STRIP_BYTES = 1 << 26
PREVIEW_SIDE = 640  # pixels: of a preview, at the most


class WrongLayerError(ColorizeError):
    """What was asked for cannot be coloured."""


@dataclass(frozen=True)
class Reduced:
    """A layer's pixels, 8 bit and small enough for a preview."""

    shape: Shape
    rows: bytes
    selected: bytes | None  # 0 or 255 for each byte of `rows`; None: all is

    def limited(self, coloured: bytes) -> bytes:
        """The coloured rows where something is selected, elsewhere those of the photograph."""
        if self.selected is None:
            return coloured
        mask, new, old = (int.from_bytes(rows, "little") for rows in (self.selected, coloured, self.rows))
        return (old ^ ((old ^ new) & mask)).to_bytes(len(coloured), "little")


def layer_to_colorize(image: Any, drawables: list[Any]) -> Any:
    """The one layer that is meant; WrongLayerError where there is none."""
    if not drawables:
        raise WrongLayerError("No layer is selected: please select the one layer to colour.")
    if len(drawables) > 1:
        raise WrongLayerError(f"{len(drawables)} layers are selected: please select the one layer to colour.")
    (layer,) = drawables
    if isinstance(layer, Gimp.LayerMask):
        raise WrongLayerError("This is a layer mask, which has no colours: please click on the layer itself.")
    if not isinstance(layer, Gimp.Layer):
        raise WrongLayerError("This is a channel, which has no colours: please select a layer.")
    if layer.is_group():
        raise WrongLayerError("This is a group of layers: please select one layer in it, or merge the group.")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise WrongLayerError("This image has indexed colours: please choose Image > Mode > RGB first.")
    if not Gimp.Selection.is_empty(image) and not layer.mask_intersect()[0]:
        raise WrongLayerError("The selection lies outside the layer: please choose Select > None, or another layer.")
    return layer


def check_unlocked(layer: Any) -> None:
    """WrongLayerError where the layer's own pixels must not be written: a group's lock holds for all that is in it."""
    item = layer
    while item is not None:
        if item.get_lock_content():
            raise WrongLayerError(
                "The layer's pixels are locked: please unlock them in the Layers dialog, or choose another output."
            )
        item = item.get_parent()


def shape_of(image: Any, layer: Any) -> Shape:
    """The layer's pixels as the worker shall see them; float where sRGB integers would not hold each of its values."""
    dtype = DTYPES.get(int(image.get_precision()), "float32") if is_srgb(image) else "float32"
    return Shape(layer.get_width(), layer.get_height(), 4 if layer.has_alpha() else 3, dtype)


def is_srgb(image: Any) -> bool:
    """Whether a grey of the image has the same number in sRGB."""
    built_in = (Gimp.ColorProfile.new_rgb_srgb(), Gimp.ColorProfile.new_d65_gray_srgb_trc())
    return any(map(image.get_effective_color_profile().is_equal, built_in))


def reduced(image: Any, layer: Any) -> Reduced:
    """The layer as the preview shows it."""
    scale = min(1.0, PREVIEW_SIDE / max(layer.get_width(), layer.get_height()))
    width, height = (max(1, round(side * scale)) for side in (layer.get_width(), layer.get_height()))
    shape = Shape(width, height, 4 if layer.has_alpha() else 3, "uint8")

    def small(drawable: Any, left: int, top: int, kind: str) -> bytes:
        part = Gegl.Rectangle.new(round(left * scale), round(top * scale), width, height)
        return bytes(drawable.get_buffer().get(part, scale, kind, Gegl.AbyssPolicy.NONE))

    rows = small(layer, 0, 0, babl_format(shape))
    if Gimp.Selection.is_empty(image):
        return Reduced(shape, rows, None)
    _, left, top = layer.get_offsets()
    levels = small(image.get_selection(), -left, -top, "Y u8").translate(bytes(128) + b"\xff" * 128)
    selected = bytearray(len(rows))
    for channel in range(shape.channels):
        selected[channel :: shape.channels] = levels
    return Reduced(shape, rows, bytes(selected))


def read(layer: Any, pixels: Pixels) -> None:
    buffer = layer.get_buffer()
    for strip in strips(pixels.shape):
        pixels.write(buffer.get(strip, 1.0, babl_format(pixels.shape), Gegl.AbyssPolicy.NONE))


def convert_to_rgb(image: Any) -> None:
    if image.get_base_type() == Gimp.ImageBaseType.GRAY:
        check_done(image.convert_rgb())


def replace(layer: Any, pixels: Pixels) -> None:
    """The layer itself, inside the selection."""
    fill(layer.get_shadow_buffer(), pixels)
    check_done(layer.merge_shadow(True))
    layer.update(0, 0, pixels.shape.width, pixels.shape.height)


def add(image: Any, below: Any, pixels: Pixels, name: str, mode: Any) -> None:
    """A layer that lies on the photograph, limited by a mask where there is a selection."""
    kind = Gimp.ImageType.RGBA_IMAGE if below.has_alpha() else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, pixels.shape.width, pixels.shape.height, kind, 100, mode)
    fill(layer.get_buffer(), pixels)
    layer.set_offsets(*below.get_offsets()[1:])
    check_done(image.insert_layer(layer, below.get_parent(), image.get_item_position(below)))
    if not Gimp.Selection.is_empty(image):
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))


def check_done(done: bool) -> None:
    """GIMP answers False where it refuses: that must not pass for a success."""
    if not done:
        raise ColorizeError(
            f"GIMP refused the colours ({Gimp.get_pdb().get_last_error()}): please choose Edit > Undo, and try again."
        )


def fill(buffer: Any, pixels: Pixels) -> None:
    for strip in strips(pixels.shape):
        buffer.set(strip, babl_format(pixels.shape), pixels.read(strip.height))
    buffer.flush()


def babl_format(shape: Shape) -> str:
    """A format that names no colour space is sRGB: babl converts from and to the image's own profile."""
    return f"R'G'B'{'A' if shape.channels == 4 else ''} {BABL_DEPTHS[shape.dtype]}"


def strips(shape: Shape) -> Iterator[Any]:
    """The rectangles that cover a layer from its top, none of them too large to be held in memory."""
    rows = max(1, STRIP_BYTES // shape.row_bytes)
    for top in range(0, shape.height, rows):
        yield Gegl.Rectangle.new(0, top, shape.width, min(rows, shape.height - top))


@contextlib.contextmanager
def one_undo_step(image: Any) -> Iterator[None]:
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()
