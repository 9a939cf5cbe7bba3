"""Python runs this at the start of every plug-in of the tests' GIMP, whose PYTHONPATH names this folder: in ours it
lets a test find the dialog's widgets by name and use them.

    a request (name of a function here, keyword arguments)  ->  what the function returns, or the exception it raised

The variable INSIDE_PLUGIN names a folder for sockets, one for each process.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Listener
from typing import Any

taken: list[float] = []  # seconds until each picture since the change that is timed
watches: list[int] = []  # on pictures, at most one


def serve() -> None:
    with Listener(f"{os.environ['INSIDE_PLUGIN']}/{os.getpid()}", "AF_UNIX") as listener:
        while True:
            with listener.accept() as test:
                name, arguments = test.recv()
                test.send(in_main_thread(name, arguments))


def in_main_thread(name: str, arguments: dict[str, Any]) -> tuple[Any, str | None]:
    from gi.repository import GLib  # noqa: PLC0415 - not before the plug-in has chosen its versions

    answers: queue.SimpleQueue[tuple[Any, str | None]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((globals()[name](**arguments), None))
        except Exception:
            answers.put((None, traceback.format_exc()))

    GLib.idle_add(answer)
    return answers.get()


def widgets() -> Iterator[Any]:
    """All that the process shows."""
    from gi.repository import Gtk  # noqa: PLC0415

    waiting = [window for window in Gtk.Window.list_toplevels() if window.get_visible()]
    while waiting:
        widget = waiting.pop()
        yield widget
        if isinstance(widget, Gtk.Container):
            widget.forall(waiting.append)


def find(widget: str) -> Any:
    """The widget of that name."""
    (found,) = (one for one in widgets() if one.get_name() == widget)
    return found


def dialog() -> Any:
    from gi.repository import Gtk  # noqa: PLC0415

    (shown,) = (one for one in Gtk.Window.list_toplevels() if one.get_visible() and isinstance(one, Gtk.Dialog))
    return shown


def choose(widget: str, path: str) -> None:
    """A folder, as its button's dialog does."""
    from gi.repository import Gio  # noqa: PLC0415

    button = find(widget)
    button.set_file(Gio.File.new_for_path(path))
    button.emit("file-set")


def is_sensitive(widget: str) -> bool:
    return bool(find(widget).is_sensitive())


def text(widget: str) -> str:
    return str(find(widget).get_text())


def value(widget: str) -> Any:
    """What a slider, a combo box or a check box shows."""
    found = shown_by(find(widget))
    kinds = ("get_active_id", "get_active", "get_value")
    return next(getattr(found, kind)() for kind in kinds if hasattr(found, kind))


def give(widget: str, value: Any) -> None:
    """Sets a slider, a combo box or a check box."""
    found = shown_by(find(widget))
    kinds = ("set_active_id", "set_active", "set_value")
    next(getattr(found, kind) for kind in kinds if hasattr(found, kind))(value)


def shown_by(widget: Any) -> Any:
    """The combo box in what GIMP makes of a choice, with ids as other ones have; another widget itself."""
    from gi.repository import GimpUi, Gtk  # noqa: PLC0415

    if not isinstance(widget, GimpUi.LabelStringWidget):
        return widget
    (combo,) = (one for one in widgets() if isinstance(one, Gtk.ComboBox) and one.is_ancestor(widget))
    combo.set_id_column(0)
    return combo


def rows(widget: str) -> list[tuple[str, bool]]:
    """What a combo box offers: title, and whether it can be chosen."""
    return [(row[1], row[2]) for row in find(widget).get_model()]


def click(widget: str) -> None:
    find(widget).clicked()


def press_button(label: str) -> None:
    """One of GIMP's own, which have no names."""
    from gi.repository import Gtk  # noqa: PLC0415

    (button,) = (one for one in widgets() if isinstance(one, Gtk.Button) and one.get_label() == label)
    button.clicked()


def expand(widget: str) -> None:
    find(widget).set_expanded(True)


def damage(widget: str) -> None:
    """Lets a click on a button fail as a mistake in the program would."""
    find(widget).connect("clicked", lambda _button: [].pop())


def is_raised(widget: str) -> bool:
    """Whether a button looks chosen among its neighbours."""
    return str(find(widget).get_relief().value_nick) == "normal"


def respond(button: str) -> None:
    """Presses one of the dialog's own buttons, by its Gtk.ResponseType."""
    from gi.repository import Gtk  # noqa: PLC0415

    dialog().get_widget_for_response(getattr(Gtk.ResponseType, button)).clicked()


def place(widget: str) -> tuple[int, int, int, int]:
    """Left, top, width and height on the screen."""
    found = find(widget)
    _, left, top = found.get_window().get_origin()
    room = found.get_allocation()
    return left, top, room.width, room.height


def time_change(widget: str, value: Any) -> None:
    """Gives it, and notes when the next picture is there."""
    from gi.repository import Gtk  # noqa: PLC0415

    preview = find("preview")
    image = next(one for one in widgets() if isinstance(one, Gtk.Image) and one.is_ancestor(preview))
    if watches:
        image.disconnect(watches.pop())
    taken.clear()
    began = time.monotonic()
    watches.append(image.connect("notify::pixbuf", lambda *_: taken.append(time.monotonic() - began)))
    give(widget, value)


def seconds_taken() -> float | None:
    """By the change that was timed last; None until its first picture is there."""
    return taken[0] if taken else None


def resize(width: int, height: int) -> None:
    dialog().resize(width, height)


def picture(widget: str) -> tuple[int, int, int, int, bytes]:
    """Width, height, channels, bytes a row and pixels of the picture in a widget."""
    from gi.repository import Gtk  # noqa: PLC0415

    found = find(widget)
    image = next(one for one in widgets() if isinstance(one, Gtk.Image) and one.is_ancestor(found))
    pixels = image.get_pixbuf()
    sizes = pixels.get_width(), pixels.get_height(), pixels.get_n_channels(), pixels.get_rowstride()
    return *sizes, bytes(pixels.get_pixels())


if "INSIDE_PLUGIN" in os.environ and any(part.endswith("colorize-neural.py") for part in sys.orig_argv):
    threading.Thread(target=serve, daemon=True).start()
