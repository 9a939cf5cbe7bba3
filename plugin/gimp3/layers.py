"""Layers in GIMP 3: which can be coloured, their pixels out to the worker's files, the coloured ones back in."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from colorize_neural.client import Pixels
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Shape
from gi.repository import Gegl, Gimp

DTYPES = {150: "uint8", 175: "uint8", 250: "uint16", 275: "uint16"}  # by Gimp.Precision; the others are read as float
BABL_DEPTHS = {"uint8": "u8", "uint16": "u16", "float32": "float"}
STRIP_BYTES = 1 << 24
#   parasites of our layers and of the layer that they colour: the same number, which copies of them have too
COLOURS, PHOTOGRAPH = "colorize-neural-colours", "colorize-neural-photograph"
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


def layers_to_colorize(image: Any, drawables: list[Any]) -> list[Any]:
    """The layers that are meant; WrongLayerError where one of them cannot be coloured."""
    if not image.is_valid():
        raise WrongLayerError("The image was closed meanwhile: please open it once more.")
    if not drawables:
        raise WrongLayerError("No layer is selected: please select the layers to colour.")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise WrongLayerError("This image has indexed colours: please choose Image > Mode > RGB first.")
    if image.get_floating_sel():
        raise WrongLayerError(
            "There is a floating selection: please anchor it or make it a new layer in the Layers dialog first."
        )
    chosen = []
    for drawable in drawables:
        if not drawable.is_valid():
            raise WrongLayerError("A layer was removed meanwhile: please select the layers to colour once more.")
        check_has_colours(image, drawable)
        chosen.append(photograph_of(image, drawable))
    return list(dict.fromkeys(chosen))


def photograph_of(image: Any, layer: Any) -> Any:
    """The photograph that a layer of ours lies on, for who tries once more means that; another layer itself.

    Of several copies of a photograph, the next one below.
    """
    number = number_in(layer, COLOURS)
    if not number:
        return layer
    every = [*with_layers_in_groups(image.get_layers())]
    place = every.index(layer)
    below_first = (*every[place:], *every[:place])
    return next((other for other in below_first if number_in(other, PHOTOGRAPH) == number), layer)


def number_in(layer: Any, parasite: str) -> str:
    """What a parasite of ours holds; "" where the layer has none."""
    found = layer.get_parasite(parasite)
    return bytes(found.get_data()).decode() if found else ""


def keep_number(layer: Any, parasite: str, number: str) -> None:
    kept = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    check_done(layer.attach_parasite(Gimp.Parasite.new(parasite, kept, number.encode())))


def with_layers_in_groups(layers: list[Any]) -> Iterator[Any]:
    """From the top, those in a group after it."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from with_layers_in_groups(layer.get_children())


def check_has_colours(image: Any, drawable: Any) -> None:
    name = drawable.get_name()
    if isinstance(drawable, Gimp.LayerMask):
        raise WrongLayerError(f'"{name}" is a layer mask, which has no colours: please click on the layer itself.')
    if not isinstance(drawable, Gimp.Layer):
        raise WrongLayerError(f'"{name}" is a channel, which has no colours: please select a layer.')
    if [*with_groups(drawable)][-1] not in image.get_layers():
        raise WrongLayerError(f'"{name}" is no layer of this image: please select layers of one image.')
    if drawable.is_group() and not drawable.get_children():
        raise WrongLayerError(f'The group "{name}" is empty: please select a layer.')
    if not Gimp.Selection.is_empty(image) and not drawable.mask_intersect()[0]:
        raise WrongLayerError(f'The selection lies outside "{name}": please choose Select > None, or another layer.')


def check_replaceable(layer: Any) -> None:
    """WrongLayerError where the layer's own pixels cannot be written: a group's lock holds for all that is in it."""
    if layer.is_group():
        raise WrongLayerError(
            f'"{layer.get_name()}" is a group, which has no pixels of its own: '
            "please select the layers in it, or choose another output."
        )
    for item in with_groups(layer):
        if item.get_lock_content():
            raise WrongLayerError(
                f'The pixels of "{item.get_name()}" are locked: '
                "please unlock them in the Layers dialog, or choose another output."
            )


def with_groups(layer: Any) -> Iterator[Any]:
    """The layer and the groups around it, the innermost first."""
    while layer is not None:
        yield layer
        layer = layer.get_parent()


def shape_of(image: Any, layer: Any) -> Shape:
    """The layer's pixels as the worker shall see them; float where sRGB integers would not hold each of its values."""
    dtype = DTYPES.get(int(image.get_precision()), "float32") if is_srgb(image) else "float32"
    return Shape(layer.get_width(), layer.get_height(), 4 if layer.has_alpha() else 3, dtype)


def is_srgb(image: Any) -> bool:
    """Whether a grey of the image has the same number in sRGB."""
    built_in = (Gimp.ColorProfile.new_rgb_srgb(), Gimp.ColorProfile.new_d65_gray_srgb_trc())
    return any(map(image.get_effective_color_profile().is_equal, built_in))


def reduced(image: Any, layer: Any) -> Reduced:
    """The layer as it is seen, for a preview."""
    scale = min(1.0, PREVIEW_SIDE / max(layer.get_width(), layer.get_height()))
    width, height = (max(1, round(side * scale)) for side in (layer.get_width(), layer.get_height()))
    shape = Shape(width, height, 4 if layer.has_alpha() else 3, "uint8")

    def small(drawable: Any, origin: tuple[int, int], kind: str) -> bytes:
        corner = (round((own - other) * scale) for own, other in zip(offsets(layer), origin, strict=True))
        part = Gegl.Rectangle.new(*corner, width, height)
        return bytes(drawable.get_buffer().get(part, scale, kind, Gegl.AbyssPolicy.NONE))

    with source_of(layer, as_seen=True) as source:
        rows = small(source, offsets(source), babl_format(shape))
    if Gimp.Selection.is_empty(image):
        return Reduced(shape, rows, None)
    levels = small(image.get_selection(), (0, 0), "Y u8").translate(bytes(128) + b"\xff" * 128)
    selected = bytearray(len(rows))
    for channel in range(shape.channels):
        selected[channel :: shape.channels] = levels
    return Reduced(shape, rows, bytes(selected))


def read(layer: Any, pixels: Pixels, as_seen: bool) -> None:
    """The layer's own pixels; or as they are seen, with the layer's filters at work."""
    with source_of(layer, as_seen) as source:
        left, top = (own - of_source for own, of_source in zip(offsets(layer), offsets(source), strict=True))
        buffer = source.get_buffer()
        for strip in strips(pixels.shape, left, top):
            pixels.write(buffer.get(strip, 1.0, babl_format(pixels.shape), Gegl.AbyssPolicy.NONE))


@contextlib.contextmanager
def source_of(layer: Any, as_seen: bool) -> Iterator[Any]:
    """The layer itself; or a copy, not in the image, with its filters merged: a shadow makes it larger than the layer.

    GIMP merges none of a group's own filters.
    """
    if not as_seen or layer.is_group() or not layer.get_filters():
        yield layer
        return
    copy = layer.copy()
    try:
        check_done(copy.merge_filters())
        yield copy
    finally:
        copy.delete()


def offsets(layer: Any) -> tuple[int, int]:
    _, left, top = layer.get_offsets()
    return left, top


def convert_to_rgb(image: Any) -> None:
    if image.get_base_type() == Gimp.ImageBaseType.GRAY:
        check_done(image.convert_rgb())


def replace(layer: Any, pixels: Pixels) -> None:
    """The layer itself, inside the selection."""
    if hasattr(layer, "rasterize"):  # in GIMP 3.2 what a file, a path or a text draws would soon be drawn anew
        layer.rasterize()
    fill(layer.get_shadow_buffer(), pixels)
    check_done(layer.merge_shadow(True))
    layer.update(0, 0, pixels.shape.width, pixels.shape.height)


def add(image: Any, below: Any, pixels: Pixels, name: str, mode: Any) -> Any:
    """A layer that lies on the photograph and shows no more of itself than that does -> the new layer."""
    kind = Gimp.ImageType.RGBA_IMAGE if below.has_alpha() else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, pixels.shape.width, pixels.shape.height, kind, below.get_opacity(), mode)
    fill(layer.get_buffer(), pixels)
    layer.set_offsets(*offsets(below))
    layer.set_visible(below.get_visible())
    check_done(image.insert_layer(layer, below.get_parent(), image.get_item_position(top_of(image, below))))
    number = number_in(below, PHOTOGRAPH) or uuid.uuid4().hex
    keep_number(below, PHOTOGRAPH, number)
    keep_number(layer, COLOURS, number)
    add_mask(image, layer, below.get_mask() if below.get_apply_mask() else None)
    return layer


def top_of(image: Any, photograph: Any) -> Any:
    """The uppermost of our layers on the photograph, which the next one must not be hidden by; or the photograph."""
    parent = photograph.get_parent()
    beside = parent.get_children() if parent else image.get_layers()
    above = beside[: image.get_item_position(photograph)]
    return next((layer for layer in above if photograph_of(image, layer) == photograph), photograph)


def add_mask(image: Any, layer: Any, hiding: Any) -> None:
    """Shows what is selected, where something is, and hides what the photograph's own mask hides."""
    selected = not Gimp.Selection.is_empty(image)
    if selected or hiding:
        mask = layer.create_mask(Gimp.AddMaskType.SELECTION if selected else Gimp.AddMaskType.WHITE)
        check_done(layer.add_mask(mask))
        if hiding:
            check_done(mask.combine_masks(hiding, Gimp.ChannelOps.INTERSECT, 0, 0))


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


def strips(shape: Shape, left: int = 0, top: int = 0) -> Iterator[Any]:
    """The rectangles that cover a layer whose corner is there, from its top, none too large to be held in memory."""
    rows = max(1, STRIP_BYTES // shape.row_bytes)
    for row in range(0, shape.height, rows):
        yield Gegl.Rectangle.new(left, top + row, shape.width, min(rows, shape.height - row))


@contextlib.contextmanager
def one_undo_step(image: Any) -> Iterator[None]:
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()
