"""Runs inside GIMP, as a batch command: makes images and tells what became of them, for the tests outside.

    a request (name of a function here, keyword arguments)  ->  what the function returns, or the exception it raised

Pixels cross as bytes of "R'G'B'A float". The variable INSIDE_GIMP names the socket.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Listener
from typing import Any

from gi.repository import Babl, Gegl, Gimp, Gio

FORMAT = "R'G'B'A float"
KINDS = {
    ("RGB", False): Gimp.ImageType.RGB_IMAGE,
    ("RGB", True): Gimp.ImageType.RGBA_IMAGE,
    ("GRAY", False): Gimp.ImageType.GRAY_IMAGE,
    ("GRAY", True): Gimp.ImageType.GRAYA_IMAGE,
}
images: dict[int, Any] = {}
shown: dict[int, Any] = {}
targets: dict[int, list[Any]] = {}


def serve() -> None:
    with Listener(os.environ["INSIDE_GIMP"], "AF_UNIX") as listener, listener.accept() as tests:
        while True:
            try:
                name, arguments = tests.recv()
            except EOFError:
                return
            try:
                tests.send((globals()[name](**arguments), None))
            except Exception:
                tests.send((None, traceback.format_exc()))


def new_image(
    *,
    canvas: tuple[int, int],
    base: str,
    precision: str,
    alpha: bool,
    size: tuple[int, int],
    offsets: tuple[int, int],
    pixels: bytes,
    selection: tuple[int, int, int, int] | None,
    profile: str | None,
) -> int:
    """An image with one layer, "photo", and nothing to undo; selection: a rectangle on the canvas -> its id."""
    gray_or_rgb = getattr(Gimp.ImageBaseType, base)
    image = Gimp.Image.new_with_precision(*canvas, gray_or_rgb, getattr(Gimp.Precision, precision))
    if profile:
        image.set_color_profile(profile_named(profile))
    layer = Gimp.Layer.new(image, "photo", *size, KINDS[base, alpha], 100, Gimp.LayerMode.NORMAL)
    image.undo_disable()
    image.insert_layer(layer, None, 0)
    layer.set_offsets(*offsets)
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, *size), FORMAT, pixels)
    layer.update(0, 0, *size)
    if selection:
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *selection)
    image.undo_enable()
    number: int = image.get_id()
    images[number], targets[number] = image, [layer]
    return number


def profile_named(name: str) -> Any:
    """A constructor of Gimp.ColorProfile, a file, or a colour space that babl knows."""
    if name.endswith(".icc"):
        return Gimp.ColorProfile.new_from_file(Gio.File.new_for_path(name))
    constructor = getattr(Gimp.ColorProfile, name, None)
    return (
        constructor() if constructor else Gimp.ColorProfile.new_from_icc_profile(Babl.space_get_icc(Babl.space(name)))
    )


def show(image: int) -> None:
    shown[image] = Gimp.Display.new(images[image])
    Gimp.displays_flush()


def close(image: int) -> None:
    """As its user does; an image without a window is gone."""
    shown.pop(image).delete()


def delete(image: int) -> None:
    """Takes an image, and its window, away."""
    if image in shown:
        shown.pop(image).delete()
    if images[image].is_valid():
        images[image].delete()
    del images[image], targets[image]


def duplicate(image: int) -> None:
    """Puts a copy in the place of the image."""
    copy = images[image].duplicate()
    images[image].delete()
    images[image] = copy


def aim_at(image: int, what: str) -> None:
    """Chooses what the next call is given instead of the layer."""
    photo = images[image].get_layers()[0]
    aims: dict[str, Callable[[Any], list[Any]]] = {
        "mask": mask_of,
        "channel": channel_of,
        "empty group": group_of,
        "group": group_around,
        "group that its layers pass through": passed_through,
        "link": link_to,
        "vector layer": ellipse_on,
        "copies": with_copies,
        "one locked": with_a_locked_copy,
        "text": text_on,
        "uppermost": lambda photo: [photo],
        "none": nothing,
        "of another image": of_another_image,
        "colours of another image": colours_of_another_image,
        "in no image": in_no_image,
        "floating selection": floating_selection,
        "beside it": beside_a_floating_selection,
    }
    targets[image] = aims[what](photo)


def select(image: int) -> None:
    """In the Layers dialog, what the next call is given."""
    images[image].set_selected_layers(targets[image])


def mask_of(photo: Any) -> list[Any]:
    photo.add_mask(photo.create_mask(Gimp.AddMaskType.WHITE))
    return [photo.get_mask()]


def channel_of(photo: Any) -> list[Any]:
    channel = Gimp.Channel.new(photo.get_image(), "channel", 20, 20, 50, Gegl.Color.new("red"))
    photo.get_image().insert_channel(channel, None, 0)
    return [channel]


def group_of(photo: Any) -> list[Any]:
    group = Gimp.GroupLayer.new(photo.get_image())
    group.set_name("group")
    photo.get_image().insert_layer(group, None, 0)
    return [group]


def group_around(photo: Any) -> list[Any]:
    (group,) = group_of(photo)
    photo.get_image().reorder_item(photo, group, 0)
    return [group]


def passed_through(photo: Any) -> list[Any]:
    (group,) = group_around(photo)
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    return [group]


def link_to(photo: Any) -> list[Any]:
    """A layer that shows a file, the photo's own; GIMP has such layers since 3.2."""
    image, folder = photo.get_image(), tempfile.mkdtemp()
    file = Gio.File.new_for_path(f"{folder}/photo.png")
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    link = Gimp.LinkLayer.new(image, file)
    image.insert_layer(link, None, 0)
    return [link]


def ellipse_on(photo: Any) -> list[Any]:
    """A layer that draws a path; GIMP has such layers since 3.2."""
    image = photo.get_image()
    path = Gimp.Path.new(image, "ellipse")
    path.bezier_stroke_new_ellipse(40, 30, 25, 15, 0)
    image.insert_path(path, None, 0)
    drawn = Gimp.VectorLayer.new(image, path)
    image.insert_layer(drawn, None, 0)
    drawn.set_enable_fill(True)
    drawn.set_fill_color(Gegl.Color.new("gray"))
    drawn.refresh()
    return [drawn]


def with_copies(photo: Any) -> list[Any]:
    """The photo at the bottom, a copy above it, and one in a group on top."""
    image = photo.get_image()
    copies = [photo.copy(), photo.copy()]
    image.insert_layer(copies[0], None, 0)
    (group,) = group_of(photo)
    image.insert_layer(copies[1], group, 0)
    return [photo, *copies]


def with_a_locked_copy(photo: Any) -> list[Any]:
    copy = photo.copy()
    photo.get_image().insert_layer(copy, None, 0)
    copy.set_lock_content(True)
    return [photo, copy]


def text_on(photo: Any) -> list[Any]:
    Gimp.context_set_foreground(Gegl.Color.new("gray"))
    text = Gimp.TextLayer.new(photo.get_image(), "1908", Gimp.context_get_font(), 20, Gimp.Unit.pixel())
    photo.get_image().insert_layer(text, None, 0)
    return [text]


def nothing(_photo: Any) -> list[Any]:
    return []


def of_another_image(photo: Any) -> list[Any]:
    other = next(image for image in images.values() if image != photo.get_image())
    return [photo, *other.get_layers()]


def colours_of_another_image(photo: Any) -> list[Any]:
    """Its uppermost layer, copied to the top of this one."""
    image = photo.get_image()
    other = next(other for other in images.values() if other != image)
    copy = Gimp.Layer.new_from_drawable(other.get_layers()[0], image)
    image.insert_layer(copy, None, 0)
    return [copy]


def in_no_image(photo: Any) -> list[Any]:
    return [photo.copy()]


def floating_selection(photo: Any) -> list[Any]:
    image = photo.get_image()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 20, 20, 20)
    return [Gimp.Selection.float(image, [photo], 3, 3)]


def beside_a_floating_selection(photo: Any) -> list[Any]:
    floating_selection(photo)
    return [photo]


def arrange(image: int, what: str) -> None:
    """Makes something particular of the photo."""
    photo = images[image].get_layers()[0]
    arrangements: dict[str, Callable[[Any], object]] = {
        "masked": hide_its_left_third,
        "in a masked group": lambda photo: hide_its_left_third(group_around(photo)[0]),
        "with its alpha locked": lambda photo: photo.set_lock_alpha(True),
        "with its place locked": lambda photo: photo.set_lock_position(True),
        "locked": lambda photo: photo.set_lock_content(True),
        "in a locked group": lambda photo: group_around(photo)[0].set_lock_content(True),
        "in a group": group_around,
        "empty": lambda photo: photo.fill(Gimp.FillType.TRANSPARENT),
        "hidden": lambda photo: photo.set_visible(False),
        "half opaque": lambda photo: photo.set_opacity(50),
        "on white": put_on_white,
        "brightened below": lambda photo: brighten(photo.get_image().get_layers()[-1]),
        "turned to its negative by a filter": lambda photo: add_filter(photo, "gegl:invert-gamma"),
        "in the shadow of a filter": lambda photo: add_filter(photo, "gegl:dropshadow"),
    }
    arrangements[what](photo)


def hide_its_left_third(layer: Any) -> None:
    width, height = layer.get_width(), layer.get_height()
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    mask.get_buffer().set(Gegl.Rectangle.new(0, 0, width // 3, height), "Y' u8", bytes(width // 3 * height))
    mask.update(0, 0, width, height)


def brighten(layer: Any) -> None:
    """By curves."""
    layer.curves_spline(Gimp.HistogramChannel.VALUE, [0, 0.1, 0.5, 0.7, 1, 1])


def put_on_white(photo: Any) -> None:
    image = photo.get_image()
    kind = KINDS[Gimp.ImageBaseType(image.get_base_type()).value_nick.upper(), False]
    paper = Gimp.Layer.new(image, "paper", image.get_width(), image.get_height(), kind, 100, Gimp.LayerMode.NORMAL)
    paper.fill(Gimp.FillType.WHITE)
    image.insert_layer(paper, None, 1)


def add_filter(layer: Any, operation: str) -> None:
    layer.append_filter(Gimp.DrawableFilter.new(layer, operation, ""))


def enlarge(image: int, width: int, height: int) -> None:
    """The lowest layer, as if the image had been saved so; the canvas stays."""
    images[image].get_layers()[-1].scale(width, height, False)
    images[image].clean_all()


def is_changed(image: int) -> bool:
    """Whether there is anything to save, and thus to undo."""
    return bool(images[image].is_dirty())


def convert_to_srgb(image: int) -> None:
    images[image].convert_color_profile(Gimp.ColorProfile.new_rgb_srgb(), Gimp.ColorRenderingIntent.PERCEPTUAL, True)


def make_indexed(image: int) -> None:
    images[image].convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")


def colorize(image: int, procedure: str = "plug-in-colorize-neural", **arguments: object) -> tuple[str, str]:
    """Calls the procedure as any plug-in may -> (name of the status, message)."""
    called = Gimp.get_pdb().lookup_procedure(procedure)
    config = called.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", images[image])
    config.set_core_object_array("drawables", targets[image])
    for name, value in arguments.items():
        config.set_property(name.replace("_", "-"), value)
    values = called.run(config)
    return Gimp.PDBStatusType(values.index(0)).value_nick, Gimp.get_pdb().get_last_error()


def colorize_in_a_batch(image: int, run_mode: str, **chosen: str) -> list[tuple[str, list[str]]]:
    """Calls the procedure for one layer after the other, as batch plug-ins do: knowing nothing of it but its arguments.

    -> for each layer the name of the status, and the layers that are then selected
    """
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-colorize-neural")
    done = []
    for layer in images[image].get_layers():
        config = procedure.create_config()
        for argument in procedure.get_arguments():
            give_to(config, argument, layer, getattr(Gimp.RunMode, run_mode), chosen)
        values = procedure.run(config)
        status = Gimp.PDBStatusType(values.index(0)).value_nick
        done.append((status, [one.get_name() for one in images[image].get_selected_layers()]))
    return done


def give_to(config: Any, argument: Any, layer: Any, run_mode: Any, chosen: dict[str, str]) -> None:
    """An argument's value by its type alone: what is in work, what was chosen, or the argument's own default."""
    name, kind = argument.name, argument.value_type.name
    if kind == "GimpCoreObjectArray":
        config.set_core_object_array(name, [layer])
        return
    values = {"GimpImage": layer.get_image(), "GimpRunMode": run_mode}
    if kind not in values:
        if kind not in ("gchararray", "gdouble", "gboolean"):
            raise TypeError(f"a batch plug-in need not know {kind}")
        is_choice = isinstance(argument, Gimp.ParamChoice)
        default = Gimp.param_spec_choice_get_default(argument) if is_choice else argument.default_value
        values[kind] = chosen.get(name, default)
    config.set_property(name, values[kind])


def colorize_folder(**arguments: Any) -> tuple[str, str, list[int]]:
    """Calls the procedure of a folder -> (name of the status, message, how many were done and skipped)."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-colorize-neural-folder")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    for name, value in arguments.items():
        is_file = name in ("folder", "out", "report")
        config.set_property(name.replace("_", "-"), Gio.File.new_for_path(value) if is_file else value)
    values = procedure.run(config)
    counts = [values.index(place) for place in range(1, values.length())]
    return Gimp.PDBStatusType(values.index(0)).value_nick, Gimp.get_pdb().get_last_error(), counts


def choose_background(color: str) -> None:
    """In the toolbox."""
    Gimp.context_set_background(Gegl.Color.new(color))


def background() -> list[float]:
    return [*Gimp.context_get_background().get_rgba()]


def save(image: int, path: str) -> None:
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, images[image], Gio.File.new_for_path(path), None)


def layers_in(path: str) -> list[dict[str, Any]]:
    """All layers of an image in a file."""
    opened = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    found = list(map(layer_state, all_layers(opened.get_layers())))
    opened.delete()
    return found


def load(path: str) -> int:
    """An image from a file, which the next call is given the only layer of -> its id."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    number: int = image.get_id()
    images[number], targets[number] = image, image.get_layers()
    return number


def remove_upper_layer(image: int) -> None:
    """With nothing to undo, so that its pixels are gone too."""
    images[image].undo_disable()
    images[image].remove_layer(images[image].get_layers()[0])
    images[image].undo_enable()


def names(image: int) -> list[str]:
    """Of all layers, from the top; unlike `state` it may be asked while the image is being changed."""
    return [layer.get_name() for layer in all_layers(images[image].get_layers())]


def state(image: int) -> dict[str, Any]:
    """All that a user could see of an image."""
    seen = images[image]
    copy = Gimp.Layer.new_from_visible(seen, seen, "visible")
    return {
        "base": Gimp.ImageBaseType(seen.get_base_type()).value_nick,
        "precision": int(seen.get_precision()),
        "layers": list(map(layer_state, all_layers(seen.get_layers()))),
        "visible": pixels_of(copy),
        "selected": not Gimp.Selection.is_empty(seen),
        "selected_layers": [layer.get_name() for layer in seen.get_selected_layers()],
    }


def all_layers(layers: list[Any]) -> Iterator[Any]:
    for layer in layers:
        yield layer
        yield from all_layers(layer.get_children() if layer.is_group() else [])


def layer_state(layer: Any) -> dict[str, Any]:
    return {
        "name": layer.get_name(),
        "mode": int(layer.get_mode()),
        "offsets": tuple(layer.get_offsets()[1:]),
        "size": (layer.get_width(), layer.get_height()),
        "alpha": layer.has_alpha(),
        "opacity": layer.get_opacity(),
        "shown": layer.get_visible(),
        "parent": layer.get_parent() and layer.get_parent().get_name(),
        "mask": bool(layer.get_mask()),
        "pixels": pixels_of(layer),
    }


def pixels_of(layer: Any) -> bytes:
    everything = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    return bytes(layer.get_buffer().get(everything, 1.0, FORMAT, Gegl.AbyssPolicy.NONE))


def registration() -> dict[str, Any]:
    """What GIMP knows of the procedure."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-colorize-neural")
    config = procedure.create_config()
    names = [argument.name for argument in procedure.get_arguments()]
    return {
        "menu": procedure.get_menu_paths(),
        "label": procedure.get_menu_label(),
        "blurbs": {argument.name: argument.blurb for argument in procedure.get_arguments()[3:]},
        "defaults": {name: config.get_property(name) for name in names[3:]},
        "ranges": {name: range_of(config.find_property(name)) for name in ("temperature", "strength", "warmth")},
        "choices": {name: choices_of(config, name) for name in ("model", "output", "device")},
    }


def range_of(argument: Any) -> tuple[float, float]:
    return argument.minimum, argument.maximum


def choices_of(config: Any, name: str) -> list[str]:
    return [*Gimp.param_spec_choice_get_choice(config.find_property(name)).list_nicks()]


Gegl.init(None)
serve()
