"""A strict stand-in for Python-fu's `gimp` module of GIMP 2.10, which no Debian release has.

It refuses, by AssertionError, what the real one refuses and what it does not know itself: unknown procedures, wrong
numbers and types of arguments, items that are gone or in no image, unbalanced undo groups. Its procedures' arguments
and refusals were compared with a real GIMP 2.10.22. Images hold real pixels: rows of pixels of samples, alpha last.
"""

import pixels
from gimpenums import (
    ADD_ALPHA_MASK,
    ADD_ALPHA_TRANSFER_MASK,
    ADD_SELECTION_MASK,
    ADD_WHITE_MASK,
    CHANNEL_OP_INTERSECT,
    GRAY,
    MASK_APPLY,
    MASK_DISCARD,
    RGB,
)

said = {"messages": [], "progress": [], "texts": []}
images = []


def require(held, why):
    if not held:
        raise AssertionError(why)


class Item(object):
    def __init__(self, image, name):
        self.image, self.name = image, name
        self.parent, self.visible, self.locked, self.attached, self.alive = None, True, False, False, True
        self.parasites = {}


class Drawable(Item):
    def __init__(self, image, name, rows, offsets=(0, 0)):
        Item.__init__(self, image, name)
        self.rows, self.offsets = [[list(pixel) for pixel in row] for row in rows], tuple(offsets)

    @property
    def size(self):
        return len(self.rows[0]), len(self.rows)


class Channel(Drawable):
    pass


class Layer(Drawable):
    def __init__(self, image, name, rows, alpha, offsets=(0, 0)):
        Drawable.__init__(self, image, name, rows, offsets)
        self.alpha, self.opacity, self.mode = alpha, 100.0, 28
        self.mask, self.apply_mask, self.lock_alpha = None, True, False

    def parasite_find(self, name):
        require(self.alive and type(name) is str, "a layer that is there has parasites with names")
        return self.parasites.get(name)

    def parasite_attach(self, parasite):
        require(type(parasite) is Parasite, "%r is no parasite" % (parasite,))
        _change(self.image)
        self.parasites[parasite.name] = parasite


class GroupLayer(Layer):
    def __init__(self, image, name, rows, offsets):
        Layer.__init__(self, image, name, rows, True, offsets)  # what its layers look like together
        self.layers = []


class Parasite(object):
    def __init__(self, name, flags, data):
        require(type(name) is type(data) is str and type(flags) is int, "a parasite is a name, flags and bytes")
        self.name, self.flags, self.data = name, flags, data


class Image(object):
    def __init__(self, width, height, base_type, precision):
        self.size, self.base_type, self.precision = (width, height), base_type, precision
        self.layers, self.channels, self.profile, self.selection, self.floating = [], [], "", None, None
        self.active, self.depth, self.steps, self.alive = None, 0, 0, True
        images.append(self)

    def selected(self, x, y):
        """How much of a pixel is selected, 0..1."""
        if self.selection is None:
            return 1.0
        left, top, width, height = self.selection
        return float(left <= x < left + width and top <= y < top + height)


def message(text):
    require(type(text) is str, "%r is no text" % (text,))
    said["messages"].append(text)


def progress_init(text):
    require(type(text) is str, "%r is no text" % (text,))
    said["texts"].append(text)


def progress_update(fraction):
    require(said["texts"] and type(fraction) is float and 0 <= fraction <= 1, "%r is no progress" % (fraction,))
    said["progress"].append(fraction)


def displays_flush():
    pass


def _change(image):
    """What the user could undo: alone a step, in a group a part of one."""
    require(image.alive, "the image is gone")
    image.steps += image.depth == 0


def _start_group(image):
    image.depth += 1


def _end_group(image):
    require(image.depth > 0, "no undo group is open")
    image.depth -= 1
    image.steps += image.depth == 0


def _delete(image):
    require(image.depth == 0, "an undo group is open")
    image.alive = False
    images.remove(image)


def _copy_of(drawable, image):
    """What gimp_layer_new_from_drawable gives: a layer, or of a group a group, in the colours of the image."""
    require(drawable.image.profile == image.profile, "GIMP would convert from one profile to the other, and round")
    require(image.base_type in (RGB, drawable.image.base_type), "colours would be lost")
    count = 3 if image.base_type == RGB else 1
    rows = [[_sampled(pixel, drawable.alpha, count, image.precision) for pixel in row] for row in drawable.rows]
    if isinstance(drawable, GroupLayer):
        return GroupLayer(image, drawable.name + " copy", rows, drawable.offsets)
    layer = Layer(image, drawable.name + " copy", rows, drawable.alpha, drawable.offsets)
    layer.mask = drawable.mask and Channel(image, drawable.mask.name, drawable.mask.rows, drawable.offsets)
    return layer


def _sampled(pixel, alpha, count, precision):
    """A pixel with that many samples besides its alpha."""
    colours = pixel[:-1] if alpha else pixel
    colours = [pixels.held(sample, precision) for sample in (colours * count)[:count]]
    return colours + (pixel[-1:] if alpha else [])


def _insert(image, layer, parent, position):
    require(layer.image is image and not layer.attached, "%s is in an image already" % layer.name)
    _change(image)
    (parent.layers if parent else image.layers).insert(position, layer)
    layer.parent, layer.attached, image.active = parent, True, layer


def _reorder(image, layer, parent, position):
    require(layer.attached and layer.image is image and not layer.parent, "not known here")
    _change(image)
    image.layers.remove(layer)
    (parent.layers if parent else image.layers).insert(position, layer)
    layer.parent = parent


def _merge_group(image, group):
    require(isinstance(group, GroupLayer) and group.attached, "%s is no group" % group.name)
    layer = Layer(image, group.name, group.rows, True, group.offsets)
    image.layers[image.layers.index(group)] = layer
    group.alive, layer.attached, image.active = False, True, layer
    return layer


def _check_modifiable(layer):
    require(not isinstance(layer, GroupLayer), "%s cannot be modified because it is a group item" % layer.name)
    while layer:
        require(not layer.locked, "%s cannot be modified because its contents are locked" % layer.name)
        layer = layer.parent


def _convert_rgb(image):
    require(image.base_type == GRAY, "the image is RGB already")
    _change(image)
    for layer in image.layers:
        for row in layer.rows:
            row[:] = [pixel[:1] * 2 + pixel for pixel in row]
    image.base_type = RGB


def _create_mask(layer, kind):
    left, top = layer.offsets
    values = {
        ADD_WHITE_MASK: lambda x, y: 1.0,
        ADD_ALPHA_MASK: lambda x, y: layer.rows[y][x][-1] if layer.alpha else 1.0,
        ADD_ALPHA_TRANSFER_MASK: lambda x, y: layer.rows[y][x][-1] if layer.alpha else 1.0,
        ADD_SELECTION_MASK: lambda x, y: layer.image.selected(left + x, top + y),
    }[kind]
    rows = [[[values(x, y)] for x in range(layer.size[0])] for y in range(layer.size[1])]
    if kind == ADD_ALPHA_TRANSFER_MASK and layer.alpha:
        _change(layer.image)
        _set_alpha(layer, lambda x, y: 1.0)
    return Channel(layer.image, layer.name + " mask", rows, layer.offsets)


def _set_alpha(layer, alpha_at):
    for y, row in enumerate(layer.rows):
        for x, pixel in enumerate(row):
            pixel[-1] = alpha_at(x, y)


def _add_mask(layer, mask):
    require(not layer.mask and mask.size == layer.size and not mask.attached, "the mask does not fit the layer")
    _change(layer.image)
    layer.mask, mask.attached = mask, True


def _remove_mask(layer, mode):
    require(layer.attached and layer.mask, "%s has no mask, or is in no image" % layer.name)
    _check_modifiable(layer)
    require(mode == MASK_DISCARD or (mode == MASK_APPLY and layer.alpha), "a mask is applied to an alpha channel")
    _change(layer.image)
    mask, layer.mask = layer.mask, None
    mask.alive = False
    if mode == MASK_APPLY:
        _set_alpha(layer, lambda x, y: layer.rows[y][x][-1] * mask.rows[y][x][0])


def _flatten(layer):
    _check_modifiable(layer)
    require(layer.alpha and all(pixel[-1] == 1 for row in layer.rows for pixel in row), "colours would be blended")
    _change(layer.image)
    layer.alpha = False
    for row in layer.rows:
        row[:] = [pixel[:-1] for pixel in row]


def _add_alpha(layer):
    _check_modifiable(layer)
    require(not layer.alpha, "%s has an alpha channel already" % layer.name)
    layer.alpha = True
    for row in layer.rows:
        row[:] = [pixel + [1.0] for pixel in row]


def _attach_floating(layer, drawable):
    require(layer.image is drawable.image and not layer.attached and not drawable.image.floating, "cannot float")
    require(drawable.attached, "%s is in no image" % drawable.name)
    _check_modifiable(drawable)
    _change(layer.image)
    layer.parent, layer.attached, layer.image.floating = drawable, True, layer


def _anchor(layer):
    image, below = layer.image, layer.parent
    require(image.floating is layer, "%s is no floating selection" % layer.name)
    require(not layer.alpha and (below.lock_alpha or not below.alpha), "alpha would be blended")
    require(layer.size == below.size and layer.offsets == below.offsets, "it floats elsewhere")
    _change(image)
    image.floating, layer.parent, layer.alive = None, None, False
    for y, row in enumerate(below.rows):
        for x, pixel in enumerate(row):
            share = image.selected(below.offsets[0] + x, below.offsets[1] + y)
            for at, new in enumerate(layer.rows[y][x]):
                pixel[at] += (new - pixel[at]) * share


def _combine(mask, other, operation, left, top):
    require(operation == CHANNEL_OP_INTERSECT and mask.size == other.size and (left, top) == (0, 0), "not known here")
    _change(mask.image)
    for row, limits in zip(mask.rows, other.rows):
        row[:] = [[min(one[0], limit[0])] for one, limit in zip(row, limits)]


def _mask_intersect(drawable):
    left, top = drawable.offsets
    points = [(x, y) for y in range(drawable.size[1]) for x in range(drawable.size[0])]
    found = any(drawable.image.selected(left + x, top + y) for x, y in points)
    return (int(found), 0, 0) + drawable.size


def _tiff_save(image, drawable, path, raw_path, compression):
    require(drawable.image is image and drawable.attached and not drawable.alpha, "not known here")
    pixels.write_tiff(path, drawable.rows, image.precision)


def _load(path, raw_path):
    rows, precision = pixels.read_tiff(path)
    image = Image(len(rows[0]), len(rows), RGB, precision)
    image.profile = "the file's"
    _insert(image, Layer(image, "coloured.tif", rows, False), None, 0)
    return image


def _discard_profile(image, length, profile):
    require(length == 0 and profile == [], "not known here")
    image.profile = ""


def _setter(name, **more):
    """A procedure that sets an attribute, which the user can undo."""

    def change(item, value):
        _change(item.image if isinstance(item, Item) else item)
        setattr(item, name, value)

    return change


def _siblings(item):
    return item.parent.layers if item.parent else item.image.layers


INT, FLOAT, TEXT, LIST, OR_NONE = (int, bool), (float, int), str, list, (Layer, type(None))

#    name: types of the arguments, what it does
PROCEDURES = {
    "file_tiff_save": ((Image, Drawable, TEXT, TEXT, INT), _tiff_save),
    "gimp_channel_combine_masks": ((Channel, Channel, INT, INT, INT), _combine),
    "gimp_drawable_has_alpha": ((Drawable,), lambda drawable: int(drawable.alpha)),
    "gimp_drawable_height": ((Drawable,), lambda drawable: drawable.size[1]),
    "gimp_drawable_mask_intersect": ((Drawable,), _mask_intersect),
    "gimp_drawable_offsets": ((Drawable,), lambda drawable: drawable.offsets),
    "gimp_drawable_width": ((Drawable,), lambda drawable: drawable.size[0]),
    "gimp_file_load": ((TEXT, TEXT), _load),
    "gimp_floating_sel_anchor": ((Layer,), _anchor),
    "gimp_floating_sel_attach": ((Layer, Drawable), _attach_floating),
    "gimp_image_base_type": ((Image,), lambda image: image.base_type),
    "gimp_image_convert_rgb": ((Image,), _convert_rgb),
    "gimp_image_delete": ((Image,), _delete),
    "gimp_image_get_active_layer": ((Image,), lambda image: image.active),
    "gimp_image_get_color_profile": ((Image,), lambda image: (len(image.profile), tuple(map(ord, image.profile)))),
    "gimp_image_get_floating_sel": ((Image,), lambda image: image.floating),
    "gimp_image_get_item_position": ((Image, Item), lambda image, item: _siblings(item).index(item)),
    "gimp_image_get_precision": ((Image,), lambda image: image.precision),
    "gimp_image_insert_layer": ((Image, Layer, OR_NONE, INT), _insert),
    "gimp_image_merge_layer_group": ((Image, Layer), _merge_group),
    "gimp_image_new_with_precision": ((INT, INT, INT, INT), Image),
    "gimp_image_reorder_item": ((Image, Layer, OR_NONE, INT), _reorder),
    "gimp_image_set_active_layer": ((Image, Layer), lambda image, layer: setattr(image, "active", layer)),
    "gimp_image_set_color_profile": ((Image, INT, LIST), _discard_profile),
    "gimp_image_undo_group_end": ((Image,), _end_group),
    "gimp_image_undo_group_start": ((Image,), _start_group),
    "gimp_item_get_children": ((Item,), lambda item: (len(item.layers), tuple(map(id, item.layers)))),
    "gimp_item_get_image": ((Item,), lambda item: item.image),
    "gimp_item_get_lock_content": ((Item,), lambda item: int(item.locked)),
    "gimp_item_get_name": ((Item,), lambda item: item.name),
    "gimp_item_get_parent": ((Item,), lambda item: item.parent),
    "gimp_item_get_visible": ((Item,), lambda item: int(item.visible)),
    "gimp_item_is_group": ((Item,), lambda item: int(isinstance(item, GroupLayer))),
    "gimp_item_is_layer": ((Item,), lambda item: int(isinstance(item, Layer))),
    "gimp_item_is_layer_mask": (
        (Item,),
        lambda item: int(isinstance(item, Channel) and item not in item.image.channels),
    ),
    "gimp_item_set_name": ((Item, TEXT), _setter("name")),
    "gimp_item_set_visible": ((Item, INT), _setter("visible")),
    "gimp_layer_add_alpha": ((Layer,), _add_alpha),
    "gimp_layer_add_mask": ((Layer, Channel), _add_mask),
    "gimp_layer_create_mask": ((Layer, INT), _create_mask),
    "gimp_layer_flatten": ((Layer,), _flatten),
    "gimp_layer_get_apply_mask": ((Layer,), lambda layer: int(layer.apply_mask)),
    "gimp_layer_get_lock_alpha": ((Layer,), lambda layer: int(layer.lock_alpha)),
    "gimp_layer_get_mask": ((Layer,), lambda layer: layer.mask),
    "gimp_layer_get_opacity": ((Layer,), lambda layer: layer.opacity),
    "gimp_layer_new_from_drawable": ((Drawable, Image), _copy_of),
    "gimp_layer_remove_mask": ((Layer, INT), _remove_mask),
    "gimp_layer_set_lock_alpha": ((Layer, INT), _setter("lock_alpha")),
    "gimp_layer_set_mode": ((Layer, INT), _setter("mode")),
    "gimp_layer_set_offsets": (
        (Layer, INT, INT),
        lambda layer, left, top: _setter("offsets")(layer, (left, top)),
    ),
    "gimp_layer_set_opacity": ((Layer, FLOAT), _setter("opacity")),
    "gimp_progress_end": ((), lambda: None),
    "gimp_progress_set_text": ((TEXT,), said["texts"].append),
    "gimp_selection_is_empty": ((Image,), lambda image: int(image.selection is None)),
}


class _Procedures(object):
    def __getattr__(self, name):
        require(name in PROCEDURES, "there is no procedure %s" % name)
        types, action = PROCEDURES[name]

        def call(*arguments):
            require(len(arguments) == len(types), "%s takes %d arguments" % (name, len(types)))
            for argument, wanted in zip(arguments, types):
                require(isinstance(argument, wanted), "%s does not take %r" % (name, argument))
                require(getattr(argument, "alive", True), "%s was given what is gone" % name)
            return action(*arguments)

        return call


pdb = _Procedures()
