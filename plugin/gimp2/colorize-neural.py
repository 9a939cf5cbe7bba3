#!/usr/bin/env python2
# -*- coding: utf-8 -*-
"""Colors > Colorize (neural) in GIMP 2.10: one Python 2.7 file that has the installed command colour a photograph.

    layer -> photograph.tif, sRGB, 8 or 16 bit -> colorize-neural --progress -> coloured.tif -> layer or layers

It is told where the command is by settings.json, which lies beside it. The image is touched last, in one undo step:
GIMP kills a cancelled plug-in outright, and nothing of it may then show.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

import gimp
from gimpenums import (
    ADD_ALPHA_MASK,
    ADD_ALPHA_TRANSFER_MASK,
    ADD_SELECTION_MASK,
    ADD_WHITE_MASK,
    CHANNEL_OP_INTERSECT,
    GRAY,
    INDEXED,
    LAYER_MODE_LCH_COLOR,
    LAYER_MODE_NORMAL,
    MASK_APPLY,
    MASK_DISCARD,
    PARASITE_PERSISTENT,
    PARASITE_UNDOABLE,
    PRECISION_U8_GAMMA,
    PRECISION_U16_GAMMA,
    RGB,
)
from gimpfu import PF_DRAWABLE, PF_IMAGE, PF_RADIO, PF_SLIDER, PF_STRING, PF_TOGGLE, main, pdb, register

PROCEDURE = "python-fu-colorize-neural"
SETTINGS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.json")
AGAIN = "please run install.py again."
OUTPUTS = (("Colour layer", "color-layer"), ("Layer", "layer"), ("Replace", "replace"))
DEVICES = (("Automatic", "auto"), ("CPU", "cpu"), ("GPU", "gpu"))
#   parasites of our layers and of the layer that they colour: the same number, which copies of them have too
COLOURS, PHOTOGRAPH = "colorize-neural-colours", "colorize-neural-photograph"
FOLDER = "colorize-neural-gimp-%d-"  # a temporary one, with the process that made it
UNCOMPRESSED = 0
MISLEADING = ("PYTHON", "GI_TYPELIB", "LD_LIBRARY_PATH")  # of GIMP's own Python, not of the command's
NO_WINDOW = 0x08000000  # Windows' CREATE_NO_WINDOW
DAY = 86400  # seconds

dialog_shown = False


class ColorizeError(Exception):
    """An expected failure; its text is one sentence that names the next step."""


def run(image, drawable, model, temperature, strength, warmth, edge_guidance, equalize, output, device):
    """What GIMP calls: the one place where failures become GIMP's message. A caller without dialog gets them raised."""
    options = ["--strength=%r" % strength, "--warmth=%r" % warmth, "--device=%s" % device]
    options += ["--edge-guidance" if edge_guidance else "--no-edge-guidance"]
    options += ["--equalize" if equalize else "--no-equalize"]
    options += ["--model=%s" % model] if model else []
    options += ["--temperature=%r" % temperature] if temperature else []  # 0 is the model's own
    try:
        colorize(image, drawable, model, output, options)
    except ColorizeError as error:
        gimp.message(str(error))
        if not dialog_shown:
            raise


def note_dialog():
    """gimpfu tells `run` nothing of the run mode, but calls this before it shows the dialog."""
    global dialog_shown
    dialog_shown = True


def colorize(image, drawable, model, output, options):
    """The way of the photograph: out to a file, to the command, and only then back into the image."""
    check(image, drawable, output)
    photograph = photograph_of(image, drawable)
    if output == "replace":
        check_replaceable(photograph)
    command, environment = installed_command()
    sweep()
    with temporary_folder() as folder:
        source, target = (os.path.join(folder, name) for name in ("photograph.tif", "coloured.tif"))
        gimp.progress_init("Reading the photograph")
        export(image, photograph, source)
        follow(command + [source, "-o", target, "--progress"] + options, environment, folder)
        with loaded(target) as coloured:
            pdb.gimp_progress_end()  # and with it GIMP's Cancel, which would leave a half-done undo step behind
            with one_undo_step(image):
                write(image, photograph, coloured, output, title_of(model))


def check(image, drawable, output):
    """ColorizeError where what was asked for cannot be coloured."""
    if output not in dict(map(reversed, OUTPUTS)):
        raise ColorizeError('There is no output "%s": please choose color-layer, layer or replace.' % output)
    if pdb.gimp_image_base_type(image) == INDEXED:
        raise ColorizeError("This image has indexed colours: please choose Image > Mode > RGB first.")
    if pdb.gimp_image_get_floating_sel(image):
        raise ColorizeError(
            "There is a floating selection: please anchor it or make it a new layer in the Layers dialog first."
        )
    name = pdb.gimp_item_get_name(drawable)
    if pdb.gimp_item_is_layer_mask(drawable):
        raise ColorizeError('"%s" is a layer mask, which has no colours: please click on the layer itself.' % name)
    if not pdb.gimp_item_is_layer(drawable):
        raise ColorizeError('"%s" is a channel, which has no colours: please select a layer.' % name)
    if pdb.gimp_item_get_image(drawable) != image:
        raise ColorizeError('"%s" is no layer of this image: please select a layer of it.' % name)
    if pdb.gimp_item_is_group(drawable) and not pdb.gimp_item_get_children(drawable)[0]:
        raise ColorizeError('The group "%s" is empty: please select a layer.' % name)
    if not pdb.gimp_drawable_mask_intersect(drawable)[0]:
        raise ColorizeError('The selection lies outside "%s": please choose Select > None, or another layer.' % name)


def check_replaceable(layer):
    """ColorizeError where the layer's own pixels cannot be written: a group's lock holds for all that is in it."""
    if pdb.gimp_item_is_group(layer):
        raise ColorizeError(
            '"%s" is a group, which has no pixels of its own: please select a layer in it, or choose another output.'
            % pdb.gimp_item_get_name(layer)
        )
    while layer:
        if pdb.gimp_item_get_lock_content(layer):
            raise ColorizeError(
                'The pixels of "%s" are locked: please unlock them in the Layers dialog, or choose another output.'
                % pdb.gimp_item_get_name(layer)
            )
        layer = pdb.gimp_item_get_parent(layer)


def photograph_of(image, layer):
    """The photograph that a layer of ours lies on, for who tries once more means that; another layer itself.

    Of several copies of a photograph, the next one below.
    """
    number = number_in(layer, COLOURS)
    if not number:
        return layer
    every = with_layers_in_groups(image.layers)
    place = every.index(layer)
    below_first = every[place:] + every[:place]
    return next((other for other in below_first if number_in(other, PHOTOGRAPH) == number), layer)


def number_in(layer, parasite):
    """What a parasite of ours holds; "" where the layer has none."""
    found = layer.parasite_find(parasite)
    return found.data if found else ""


def keep_number(layer, parasite, number):
    """By the layer's own method, for the procedure crashes."""
    layer.parasite_attach(gimp.Parasite(parasite, PARASITE_PERSISTENT | PARASITE_UNDOABLE, number))


def with_layers_in_groups(layers):
    """From the top, those in a group after it."""
    every = []
    for layer in layers:
        every += [layer] + (with_layers_in_groups(layer.layers) if pdb.gimp_item_is_group(layer) else [])
    return every


def settings():
    """What the installer tells: {python, models, added}, the last the folder of the user's own models."""
    try:
        with open(SETTINGS, "rb") as file:
            entries = json.load(file)
        return {name: native(entries[name]) for name in ("python", "models", "added")}
    except (EnvironmentError, ValueError, KeyError, TypeError, AttributeError):
        raise ColorizeError(
            "Colorize (neural) is not completely installed, for %s is missing or damaged: %s" % (SETTINGS, AGAIN)
        )


def native(text):
    """A text as this system's file names are written."""
    return text.encode(sys.getfilesystemencoding() if os.name == "nt" else "utf-8")


def installed_command():
    """The installed `colorize-neural` -> its words, its environment."""
    told = settings()
    environment = {name: entry for name, entry in os.environ.items() if not name.startswith(MISLEADING)}
    environment["COLORIZE_NEURAL_MODELS"] = told["models"]
    environment["COLORIZE_NEURAL_ADDED_MODELS"] = told["added"]
    return [told["python"], "-I", "-X", "utf8", "-m", "colorize_neural.cli"], environment


def models():
    """[(title, id)], recommended ones first, added ones last; where a list cannot be read, the command tells why."""
    try:
        told = settings()
    except ColorizeError:
        return []
    found = []
    for folder in (told["models"], told["added"]):
        try:
            with open(os.path.join(folder, "manifest.json"), "rb") as file:
                entries = json.load(file)["models"]
            entries.sort(key=lambda entry: entry["group"] != "recommended")
            found += [(entry["title"].encode("utf-8"), entry["id"].encode("utf-8")) for entry in entries]
        except (EnvironmentError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def title_of(model):
    return next((title for title, identity in models() if identity == model or not model), "Colours")


@contextlib.contextmanager
def temporary_folder():
    """A folder that only this user can read, gone when the `with` ends."""
    folder = tempfile.mkdtemp(prefix=FOLDER % os.getpid())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep():
    """Removes the folders of plug-ins that GIMP has killed."""
    pattern = re.compile(re.escape(FOLDER).replace(re.escape("%d"), "([0-9]+)"))
    for name in os.listdir(tempfile.gettempdir()):
        left, folder = pattern.match(name), os.path.join(tempfile.gettempdir(), name)
        if left and is_mine(folder) and not lives(int(left.group(1)), folder):
            shutil.rmtree(folder, ignore_errors=True)


def is_mine(folder):
    """Others may make folders of any name there."""
    return os.name == "nt" or os.lstat(folder).st_uid == os.getuid()


def lives(process, folder):
    """On Windows, where Python 2.7 cannot ask without ending the process, what is younger than a day counts."""
    try:
        if os.name == "nt":
            return time.time() - os.path.getmtime(folder) < DAY
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.EPERM  # it is another user's
    return True


def export(image, layer, path):
    """The layer's RGB, with what its alpha hides, as a TIFF: sRGB, 8 bit where that holds each value, else 16."""
    plain = pdb.gimp_image_get_precision(image) == PRECISION_U8_GAMMA and not pdb.gimp_image_get_color_profile(image)[0]
    size = pdb.gimp_drawable_width(layer), pdb.gimp_drawable_height(layer)
    precision = PRECISION_U8_GAMMA if plain else PRECISION_U16_GAMMA
    beside = pdb.gimp_image_new_with_precision(size[0], size[1], RGB, precision)
    try:
        copy = pdb.gimp_layer_new_from_drawable(layer, beside)  # which GIMP converts to that image's colours
        pdb.gimp_image_insert_layer(beside, copy, None, 0)
        if pdb.gimp_item_is_group(copy):
            copy = pdb.gimp_image_merge_layer_group(beside, copy)
        make_opaque(copy)
        pdb.file_tiff_save(beside, copy, path, path, UNCOMPRESSED)
    except RuntimeError as error:
        raise ColorizeError(
            "GIMP cannot write the photograph to %s (%s): please make room there, or set TMPDIR to a folder with room, "
            "and try again." % (path, error)
        )
    finally:
        pdb.gimp_image_delete(beside)


def make_opaque(layer):
    """Drops the alpha channel; flattening alone would blend the colours with the background's."""
    if pdb.gimp_layer_get_mask(layer):
        pdb.gimp_layer_remove_mask(layer, MASK_DISCARD)
    if pdb.gimp_drawable_has_alpha(layer):
        pdb.gimp_layer_add_mask(layer, pdb.gimp_layer_create_mask(layer, ADD_ALPHA_TRANSFER_MASK))
        pdb.gimp_layer_remove_mask(layer, MASK_DISCARD)
        pdb.gimp_layer_flatten(layer)


def follow(command, environment, folder):
    """Runs the command and shows its progress; its failure, one sentence on stderr, becomes ours."""
    with open(os.path.join(folder, "stderr"), "w+b") as errors:
        try:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the command that this process was killed
                stdout=subprocess.PIPE,
                stderr=errors,
                creationflags=NO_WINDOW if os.name == "nt" else 0,
            )
        except EnvironmentError:
            raise ColorizeError("The command's Python, %s, cannot be started: %s" % (command[0], AGAIN))
        try:
            for line in iter(process.stdout.readline, b""):
                message = json.loads(line)
                pdb.gimp_progress_set_text(message["text"].encode("utf-8"))
                gimp.progress_update(message["fraction"])
        finally:
            process.stdout.close()
            process.stdin.close()
            status = process.wait()
        errors.seek(0)
        if status:
            raise ColorizeError(why_ended(status, errors.read()))


def why_ended(status, said):
    if status < 0:
        return (
            "The command was stopped in mid-work (by signal %d), perhaps for want of memory: "
            "please close other programs or scale the image down, and try again." % -status
        )
    return (said.strip().splitlines() or ["The command ended without a word: " + AGAIN])[-1]


@contextlib.contextmanager
def loaded(path):
    """The coloured photograph as a layer of an image of its own, whose colours are plain sRGB."""
    try:
        image = pdb.gimp_file_load(path, path)
    except RuntimeError as error:
        raise ColorizeError("GIMP cannot read the colours from %s (%s): please try again." % (path, error))
    try:
        pdb.gimp_image_set_color_profile(image, 0, [])  # it says sRGB in other words; GIMP would convert, and round
        yield pdb.gimp_image_get_active_layer(image)
    finally:
        pdb.gimp_image_delete(image)


def write(image, photograph, coloured, output, title):
    """Puts the coloured pixels where the user wants them."""
    if pdb.gimp_image_base_type(image) == GRAY:
        pdb.gimp_image_convert_rgb(image)
    layer = pdb.gimp_layer_new_from_drawable(coloured, image)
    if output == "replace":
        replace(photograph, layer)
    else:
        pdb.gimp_item_set_name(layer, title)
        pdb.gimp_layer_set_mode(layer, LAYER_MODE_LCH_COLOR if output == "color-layer" else LAYER_MODE_NORMAL)
        add(image, photograph, layer)


def replace(photograph, coloured):
    """The photograph's RGB, inside the selection; its alpha stays."""
    locked = pdb.gimp_layer_get_lock_alpha(photograph)
    pdb.gimp_layer_set_lock_alpha(photograph, True)
    try:
        pdb.gimp_floating_sel_attach(coloured, photograph)
        pdb.gimp_layer_set_offsets(coloured, *pdb.gimp_drawable_offsets(photograph))
        pdb.gimp_floating_sel_anchor(coloured)
    finally:
        pdb.gimp_layer_set_lock_alpha(photograph, locked)


def add(image, photograph, layer):
    """Lays the new layer on the photograph, where it shows no more of itself than that does."""
    parent = pdb.gimp_item_get_parent(photograph)
    position = pdb.gimp_image_get_item_position(image, top_of(image, photograph, parent))
    pdb.gimp_image_insert_layer(image, layer, None, 0)  # not there yet: the group may be locked
    pdb.gimp_layer_set_opacity(layer, pdb.gimp_layer_get_opacity(photograph))
    pdb.gimp_layer_set_offsets(layer, *pdb.gimp_drawable_offsets(photograph))
    pdb.gimp_item_set_visible(layer, pdb.gimp_item_get_visible(photograph))
    if pdb.gimp_drawable_has_alpha(photograph):
        pdb.gimp_layer_add_alpha(layer)
        pdb.gimp_layer_add_mask(layer, pdb.gimp_layer_create_mask(photograph, ADD_ALPHA_MASK))
        pdb.gimp_layer_remove_mask(layer, MASK_APPLY)
    hiding = pdb.gimp_layer_get_apply_mask(photograph) and pdb.gimp_layer_get_mask(photograph)
    add_mask(layer, hiding, selected=not pdb.gimp_selection_is_empty(image))
    number = number_in(photograph, PHOTOGRAPH) or uuid.uuid4().hex
    keep_number(photograph, PHOTOGRAPH, number)
    keep_number(layer, COLOURS, number)
    pdb.gimp_image_reorder_item(image, layer, parent, position)
    pdb.gimp_image_set_active_layer(image, layer)


def top_of(image, photograph, parent):
    """The uppermost of our layers on the photograph, which the next one must not be hidden by; or the photograph."""
    beside = parent.layers if parent else image.layers
    above = beside[: pdb.gimp_image_get_item_position(image, photograph)]
    return next((layer for layer in above if photograph_of(image, layer) == photograph), photograph)


def add_mask(layer, hiding, selected):
    """Shows what is selected, where something is, and hides what the photograph's own mask hides."""
    if selected or hiding:
        mask = pdb.gimp_layer_create_mask(layer, ADD_SELECTION_MASK if selected else ADD_WHITE_MASK)
        pdb.gimp_layer_add_mask(layer, mask)
        if hiding:
            pdb.gimp_channel_combine_masks(mask, hiding, CHANNEL_OP_INTERSECT, 0, 0)


@contextlib.contextmanager
def one_undo_step(image):
    pdb.gimp_image_undo_group_start(image)
    try:
        yield
    finally:
        pdb.gimp_image_undo_group_end(image)


def model_argument():
    """A choice of the installed models; without any, a text, lest GIMP show a dialog that cannot be confirmed."""
    entries = tuple((title.replace("_", "__"), identity) for title, identity in models())
    return (PF_RADIO, "model", "_Model", entries[0][1], entries) if entries else (PF_STRING, "model", "_Model", "")


register(
    PROCEDURE,
    "Give a black-and-white photograph its colours",
    "A neural network that runs on this computer finds plausible colours; the lightness stays as it is.",
    "Colorize (neural)",
    "GPL-3.0-or-later",
    "2026",
    "Colori_ze (neural)...",
    "*",  # what cannot be coloured gets a sentence, which a greyed entry has not
    [
        (PF_IMAGE, "image", "The image", None),
        (PF_DRAWABLE, "drawable", "The layer", None),
        model_argument(),
        (PF_SLIDER, "temperature", "_Temperature (0.05 bold, 1 even, 0 the model's own)", 0.0, (0.0, 1.0, 0.05)),
        (PF_SLIDER, "strength", "Stren_gth (1 is the model's own)", 1.0, (0.0, 2.0, 0.05)),
        (PF_SLIDER, "warmth", "_Warmth (below 0 colder, above 0 warmer)", 0.0, (-1.0, 1.0, 0.05)),
        (PF_TOGGLE, "edge-guidance", "_Edge guidance (colours end where the photograph has an edge)", True),
        (PF_TOGGLE, "equalize", "E_qualize (for hard black-and-white photographs)", False),
        (PF_RADIO, "output", "O_utput", "color-layer", OUTPUTS),
        (PF_RADIO, "device", "_Device", "auto", DEVICES),
    ],
    [],
    run,
    menu="<Image>/Colors",
    on_run=note_dialog,
)
main()
