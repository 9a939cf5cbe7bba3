"""What a TIFF says of itself in words that libvips does not carry: who took it, when, with what, and whose it is.

a TIFF, or EXIF, which is one without pixels  ->  {EXIF's name: text}  ->  the first directory of another TIFF

TIFF 6.0, section 2: a header says where the first directory lies, and that has an entry for each tag. A BigTIFF has the
same with wider numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

TAGS = {
    "DocumentName": 269,
    "ImageDescription": 270,
    "Make": 271,
    "Model": 272,
    "Software": 305,
    "DateTime": 306,
    "Artist": 315,
    "Copyright": 33432,
}
_ASCII = 2  # the type of a text: bytes of one or more strings, each with a 0 behind it
_LONGEST = 1 << 16  # bytes of a text, and entries of a directory, that can be meant seriously
_UNREADABLE = (struct.error, OSError, OverflowError, ValueError)  # the last two of places that no file can have
_Entries = dict[int, tuple[int, int, bytes]]  # by tag: type, count, and the value or its place


@dataclass(frozen=True)
class _Layout:
    """How its numbers are written, as struct's formats."""

    count: str  # of a directory's entries
    place: str  # in the file
    first: int  # where the header tells the first directory's place

    @property
    def inline(self) -> int:
        """Bytes of a value that lies in its entry."""
        return struct.calcsize(self.place)

    @property
    def entry(self) -> str:
        """Tag, type, count, and the value or its place."""
        return f"{self.place[0]}HH{self.place[1]}{self.inline}s"


_LAYOUTS = {
    b"II*\0": _Layout("<H", "<I", 4),
    b"MM\0*": _Layout(">H", ">I", 4),
    b"II+\0": _Layout("<Q", "<Q", 8),
    b"MM\0+": _Layout(">Q", ">Q", 8),
}


def read_words(file: BinaryIO) -> dict[str, str]:
    """Those of the first page; {} of another format, and nothing of what cannot be read."""
    layout = _layout(file)
    if layout is None:
        return {}
    try:
        entries, _ = _directory(file, layout)
    except _UNREADABLE:
        return {}
    texts = {name: _text(file, layout, *entries[tag]) for name, tag in TAGS.items() if tag in entries}
    return {name: text for name, text in texts.items() if text}


def add_words(file: BinaryIO, words: Mapping[str, str]) -> None:
    """Writes a new first directory behind all else in a TIFF that is whole; what it says already stays as it is."""
    layout = _layout(file)
    if layout is None or not words:
        return
    entries, following = _directory(file, layout)
    file.seek(0, 2)
    for name, text in words.items():
        value = text.encode() + b"\0"
        if TAGS[name] not in entries:
            lies_here = len(value) <= layout.inline
            held = value if lies_here else struct.pack(layout.place, _append(file, value))
            entries[TAGS[name]] = _ASCII, len(value), held
    directory = struct.pack(layout.count, len(entries))
    directory += b"".join(struct.pack(layout.entry, tag, *entry) for tag, entry in sorted(entries.items()))
    place = _append(file, directory + struct.pack(layout.place, following))
    file.seek(layout.first)
    file.write(struct.pack(layout.place, place))


def _layout(file: BinaryIO) -> _Layout | None:
    file.seek(0)
    return _LAYOUTS.get(file.read(4))


def _directory(file: BinaryIO, layout: _Layout) -> tuple[_Entries, int]:
    """The entries of the first one, and the place of the next."""
    file.seek(layout.first)
    file.seek(_number(file, layout.place))
    count = _number(file, layout.count)
    if count > _LONGEST:
        raise struct.error("no directory has so many entries")
    found = struct.iter_unpack(layout.entry, file.read(count * struct.calcsize(layout.entry)))
    return {tag: (kind, length, value) for tag, kind, length, value in found}, _number(file, layout.place)


def _number(file: BinaryIO, how: str) -> int:
    (number,) = struct.unpack(how, file.read(struct.calcsize(how)))
    return int(number)


def _text(file: BinaryIO, layout: _Layout, kind: int, length: int, value: bytes) -> str:
    if kind != _ASCII or length > _LONGEST:
        return ""
    if length > layout.inline:
        try:
            file.seek(*struct.unpack(layout.place, value))
        except _UNREADABLE:
            return ""
        value = file.read(length)
    texts = (_decoded(text).strip() for text in value[:length].split(b"\0"))
    return "; ".join(text for text in texts if text)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _append(file: BinaryIO, content: bytes) -> int:
    """At an even place, as TIFF wants it; where that is."""
    place = file.tell() + file.tell() % 2
    file.write(bytes(place - file.tell()) + content)
    return place
