"""A strict stand-in for Python-fu's `gimpfu` of GIMP 2.10: what a plug-in registers is checked, then run as GIMP does.

execfile(plug-in)  ->  registered[name]          run(name, run mode, image, drawable, answers of the dialog)
"""

import re

import gimp
from gimpenums import RUN_INTERACTIVE, RUN_NONINTERACTIVE

pdb = gimp.pdb
PF_STRING, PF_IMAGE, PF_DRAWABLE, PF_TOGGLE, PF_SLIDER, PF_RADIO = 4, 13, 16, 1000, 1001, 1008
registered = {}


class CancelError(RuntimeError):
    pass


def register(
    proc_name,
    blurb,
    help,
    author,
    copyright,
    date,
    label,
    imagetypes,
    params,
    results,
    function,
    menu=None,
    domain=None,
    on_query=None,
    on_run=None,
):
    for text in (proc_name, blurb, help, author, copyright, date, label, imagetypes, menu):
        gimp.require(type(text) is str, "%r is no text" % (text,))
    gimp.require(re.match("python[-_]fu[-_][a-zA-Z0-9_-]+$", proc_name), "%s is renamed by gimpfu" % proc_name)
    gimp.require([param[0] for param in params[:2]] == [PF_IMAGE, PF_DRAWABLE], "a filter takes image and drawable")
    for param in params:
        _check_parameter(*param)
    registered[proc_name] = {"params": params, "function": function, "menu": menu, "label": label, "on_run": on_run}


def _check_parameter(kind, name, label, default, extra=None):
    gimp.require(re.match("[a-zA-Z0-9_-]+$", name) and type(label) is str, "%r is no name" % (name,))
    if kind == PF_RADIO:
        gimp.require(all(type(text) is str for entry in extra for text in entry), "an entry is a label and a text")
        gimp.require(default in [value for _, value in extra], "without a default the dialog cannot be confirmed")
    elif kind == PF_SLIDER:
        low, high, step = extra
        gimp.require(type(default) is float and low <= default <= high and 0 < step < high - low, "a slider is a range")
    elif kind == PF_TOGGLE:
        gimp.require(type(default) is bool, "a toggle is on or off")
    else:
        gimp.require(kind in (PF_IMAGE, PF_DRAWABLE, PF_STRING), "%r is unknown" % (kind,))


def main():
    gimp.require(registered, "nothing is registered")


def run(name, mode, image, drawable, answers):
    """What GIMP and gimpfu do; answers: what is chosen in the dialog or given by the caller, None to cancel."""
    plug_in = registered[name]
    if mode == RUN_INTERACTIVE:
        if plug_in["on_run"]:
            plug_in["on_run"]()
        if answers is None:
            return
    values = [_value(answers.get(param[1], param[3]), param[0], mode) for param in plug_in["params"][2:]]
    plug_in["function"](image, drawable, *values)
    if mode != RUN_NONINTERACTIVE:
        gimp.displays_flush()


def _value(value, kind, mode):
    """As it arrives: a dialog's toggle is a bool, a caller's an integer; texts are bytes."""
    if kind == PF_TOGGLE:
        return bool(value) if mode == RUN_INTERACTIVE else int(value)
    return float(value) if kind == PF_SLIDER else str(value)
