"""A photograph before and after, with a line between them that can be dragged; as large as there is room.

rows of RGB or RGBA bytes  ->  a widget (GTK 3, without cairo, which GIMP's Python need not have)
"""

from __future__ import annotations

from typing import Any

import gi
from colorize_neural.protocol import Shape

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk  # noqa: E402

CHECK_SIZE, DARK_CHECK, LIGHT_CHECK = 8, 0x666666, 0x999999  # behind what is transparent
LINE = ((-2, 0x000000FF), (-1, 0xFFFFFFFF), (0, 0xFFFFFFFF), (1, 0x000000FF))  # columns beside the split, RGBA
KEY_STEP = 0.05


def pixbuf_from(shape: Shape, rows: bytes) -> Any:
    """A GdkPixbuf of 8-bit pixels."""
    pixels, has_alpha = GLib.Bytes.new(rows), shape.channels == 4
    colours = GdkPixbuf.Colorspace.RGB
    return GdkPixbuf.Pixbuf.new_from_bytes(pixels, colours, has_alpha, 8, shape.width, shape.height, shape.row_bytes)


def fitted(pixbuf: Any, width: int, height: int) -> Any:
    """The pixbuf as large as it can be in that room, over checks where it is transparent."""
    scale = min(width / pixbuf.get_width(), height / pixbuf.get_height())
    size = (max(1, round(side * scale)) for side in (pixbuf.get_width(), pixbuf.get_height()))
    smooth = GdkPixbuf.InterpType.BILINEAR
    return pixbuf.composite_color_simple(*size, smooth, 255, CHECK_SIZE, DARK_CHECK, LIGHT_CHECK)


class BeforeAfter:
    """`widget` shows `before` to the left of the line and, once it is known, `after` to its right."""

    def __init__(self, before: Any, least: tuple[int, int]) -> None:
        """least: width and height in pixels that it wants at least."""
        self._before, self._after, self._split = before, before, 0.25
        self._image = Gtk.Image(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._spinner = Gtk.Spinner(halign=Gtk.Align.END, valign=Gtk.Align.START, margin=6)
        room = Gtk.Box(width_request=least[0], height_request=least[1])  # what lies over it asks for no room of its own
        overlay = Gtk.Overlay()
        overlay.add(room)
        overlay.add_overlay(self._image)
        overlay.add_overlay(self._spinner)
        for above in (self._image, self._spinner):
            overlay.set_overlay_pass_through(above, True)
        self.widget = Gtk.EventBox(name="preview", can_focus=True, hexpand=True, vexpand=True)
        self.widget.connect("realize", self._show_that_it_can_be_dragged)
        self.widget.add(overlay)
        for event in ("button-press-event", "motion-notify-event"):
            self.widget.connect(event, self._on_pointer)
        self.widget.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON1_MOTION_MASK)
        self.widget.connect("key-press-event", self._on_key)
        room.connect("size-allocate", self._on_size)
        self._fit(*least)

    def show_after(self, after: Any) -> None:
        """The photograph in colours; it has the size of `before`."""
        self._after = after
        self._fit(*self._room)

    def set_busy(self, busy: bool) -> None:
        self._spinner.set_property("active", busy)

    def set_split(self, split: float) -> None:
        """Puts the line there: 0 is the left end, 1 the right one."""
        self._split = min(max(split, 0.0), 1.0)
        self._compose()

    def _fit(self, width: int, height: int) -> None:
        self._room = (width, height)
        self._shown_before, self._shown_after = (
            fitted(pixbuf, width, height) for pixbuf in (self._before, self._after)
        )
        self._compose()

    def _compose(self) -> None:
        shown, width, height = self._shown_after.copy(), self._shown_after.get_width(), self._shown_after.get_height()
        line = round(self._split * width)
        if line:
            self._shown_before.copy_area(0, 0, line, height, shown, 0, 0)
        for beside, colour in LINE:
            if 0 <= line + beside < width:
                shown.new_subpixbuf(line + beside, 0, 1, height).fill(colour)
        self._image.set_from_pixbuf(shown)

    @staticmethod
    def _show_that_it_can_be_dragged(widget: Any) -> None:
        widget.get_window().set_cursor(Gdk.Cursor.new_from_name(widget.get_display(), "col-resize"))

    def _on_size(self, _widget: Any, room: Any) -> None:
        if (room.width, room.height) != self._room:
            self._room = (room.width, room.height)
            GLib.idle_add(self._fit, room.width, room.height)  # an image must not change while it is given its place

    def _on_pointer(self, _widget: Any, event: Any) -> bool:
        width = self._shown_after.get_width()
        self.set_split((event.x - (self._room[0] - width) / 2) / width)
        return True

    def _on_key(self, _widget: Any, event: Any) -> bool:
        step = {Gdk.KEY_Left: -KEY_STEP, Gdk.KEY_Right: KEY_STEP}.get(event.keyval)
        if step is None:
            return False
        self.set_split(self._split + step)
        return True
