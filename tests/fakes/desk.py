"""python2.7 desk.py PLUG-IN: arranges an image as JSON on stdin says, runs the plug-in, tells as JSON what came of it.

{photo, arrange, runs: [{aim, mode, arguments}]}  ->  {before, runs: [{failure, messages, ...}], after}
"""

import json
import sys

import gimp
import gimpenums
import gimpfu

WIDTH, HEIGHT = 40, 32
LEFT, TOP = 7, 5  # of the layer in the image
NAME = "python-fu-colorize-neural"


def photograph(base="RGB", precision="U8_GAMMA", alpha=False):
    """An image of one layer, a grey ramp with a dark corner; where there is alpha, it falls to the right."""
    image = gimp.Image(64, 48, getattr(gimpenums, base), getattr(gimpenums, "PRECISION_" + precision))
    count = 1 if base == "GRAY" else 3
    rows = [
        [
            gimp._sampled([grey(x, y)] + [1 - x / float(WIDTH)] * alpha, alpha, count, image.precision)
            for x in range(WIDTH)
        ]
        for y in range(HEIGHT)
    ]
    layer = gimp.Layer(image, "photo", rows, alpha, (LEFT, TOP))
    layer.attached, layer.opacity, image.layers, image.active = True, 80.0, [layer], layer
    return image, layer


def grey(x, y):
    return 0.05 if x < 8 and y < 8 else (x * HEIGHT + y) / float(WIDTH * HEIGHT)


def arrange(image, layer, what):
    """Changes the image before the plug-in sees it."""
    if "selection" in what:
        image.selection = what["selection"]
    if "mask" in what:
        rows = [[[float(x < what["mask"])] for x in range(WIDTH)] for _ in range(HEIGHT)]
        layer.mask, layer.apply_mask = gimp.Channel(image, "photo mask", rows, layer.offsets), what.get("applied", True)
    if "group" in what:
        group = gimp.GroupLayer(image, "group", [[pixel[:] for pixel in row] for row in layer.rows], layer.offsets)
        group.attached, group.layers, group.locked, layer.parent = True, [layer], what["group"] == "locked", group
        if what["group"] == "empty":
            group.layers = []
        image.layers = [group]
    layer.locked = what.get("locked", False)
    if what.get("floating"):
        image.floating = gimp.Layer(image, "floating", layer.rows, layer.alpha)


def aimed_at(image, layer, aim):
    if aim == "channel":
        image.channels.append(gimp.Channel(image, "channel", layer.rows))
        return image.channels[-1]
    if aim == "layer of another image":
        return photograph()[1]
    return {"photo": layer, "mask": layer.mask, "group": layer.parent, "new layer": image.active}[aim]


def run(image, layer, plug_in, aim="photo", mode="NONINTERACTIVE", arguments=()):
    """One invocation, which in GIMP is a process of its own -> what the user and the caller see of it."""
    gimp.said.update(messages=[], progress=[])
    del gimp.said["texts"][:]
    drawable = aimed_at(image, layer, aim)
    others, steps, failure = list(gimp.images), image.steps, None
    execfile(plug_in, {"__name__": "__main__", "__file__": plug_in})  # noqa: F821 - Python 2's
    try:
        answers = None if arguments is None else dict(arguments)
        gimpfu.run(NAME, getattr(gimpenums, "RUN_" + mode), image, drawable, answers)
    except AssertionError:
        raise
    except Exception as error:
        failure = "%s: %s" % (type(error).__name__, error)
    gimp.require(image.depth == 0, "an undo group is left open")
    gimp.require(gimp.images == others, "an image is left in memory")
    return dict(gimp.said, texts=list(gimp.said["texts"]), failure=failure, steps=image.steps - steps)


def state(image):
    return {"base": image.base_type, "layers": list(map(layer_state, image.layers)), "active": image.active.name}


def layer_state(layer):
    told = dict((name, getattr(layer, name)) for name in ("name", "offsets", "opacity", "mode", "rows", "lock_alpha"))
    told["mask"] = layer.mask and layer.mask.rows
    told["layers"] = list(map(layer_state, getattr(layer, "layers", [])))
    told["parasites"] = dict((name, parasite.data) for name, parasite in layer.parasites.items())
    return told


def dialog(plug_in):
    """What the user sees: the menu, the entry, the arguments with their defaults and what else they are."""
    execfile(plug_in, {"__name__": "__main__", "__file__": plug_in})  # noqa: F821
    entry = gimpfu.registered[NAME]
    return {"menu": entry["menu"], "label": entry["label"], "arguments": [param[1:] for param in entry["params"]]}


def main(plug_in):
    asked = json.load(sys.stdin)
    if asked is None:
        return dialog(plug_in)
    image, layer = photograph(**dict((str(name), value) for name, value in asked["photo"].items()))
    arrange(image, layer, asked["arrange"])
    before = state(image)
    runs = [
        run(image, layer, plug_in, **dict((str(name), value) for name, value in one.items())) for one in asked["runs"]
    ]
    return {"before": before, "runs": runs, "after": state(image)}


if __name__ == "__main__":
    json.dump(main(sys.argv[1]), sys.stdout)
