"""TIFFs as other programs write them, byte by byte.

TIFF 6.0: a directory counts its entries (2 bytes), has 12 bytes for each, and then the place of the next one (4 bytes).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from colorize_neural.worker.tiff_words import TAGS
from numpy.typing import NDArray

_BEGINNING = 8
_ENTRY = 12
_LONG, _ASCII = 4, 2  # types: 4 bytes, and a text
_INLINE = 4  # bytes of a text that lies in its entry
_THUMBNAIL = {254: 1, 256: 64, 257: 64, 259: 6, 262: 6, 513: 8, 514: 100}  # by the old JPEG tags: it has no strips


def add_thumbnail(file: Path) -> None:
    """After the only page of a little-endian TIFF, as GIMP and cameras do."""
    content = bytearray(file.read_bytes())
    content += bytes(len(content) % 2)
    (page,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, page)
    struct.pack_into("<I", content, page + 2 + _ENTRY * entries, len(content))
    file.write_bytes(content + _directory(_THUMBNAIL))


def write_scan(file: Path, grey: NDArray[np.uint8], words: Mapping[str, str] | None = None, order: str = "<") -> None:
    """One strip a row (h, w), the directory before them, as scanners do; words by EXIF's names, order as struct's."""
    height, width = grey.shape
    texts = {TAGS[name]: text.encode() + b"\0" for name, text in (words or {}).items()}
    tags: dict[int, int | bytes] = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 0}
    tags |= texts
    places = _BEGINNING + len(_directory(tags, order=order))
    sizes = places + 4 * height
    pixels = sizes + 4 * height
    counts = {273: height, 279: height}
    directory = _directory(tags | {273: places, 279: sizes}, counts, order, pixels + grey.size)
    offsets = np.arange(pixels, pixels + grey.size, width, dtype=f"{order}u4").tobytes()
    rows = np.full(height, width, f"{order}u4").tobytes()
    file.write_bytes(_begin(order) + directory + offsets + rows + grey.tobytes() + _long(texts))


def add_exif(jpeg: Path, words: Mapping[str, bytes], order: str = "<") -> None:
    """As cameras write it, in front of all that a JPEG has; words by EXIF's names, with their zeros."""
    texts = {TAGS[name]: text for name, text in words.items()}
    directory = _directory(texts, order=order, texts=_BEGINNING + len(_directory(texts)))
    exif = b"Exif\0\0" + _begin(order) + directory + _long(texts)
    content = jpeg.read_bytes()
    jpeg.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + content[2:])


def _begin(order: str) -> bytes:
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", _BEGINNING)


def _long(texts: Mapping[int, bytes]) -> bytes:
    """Those that do not lie in their entries, in the entries' order."""
    return b"".join(text for _, text in sorted(texts.items()) if len(text) > _INLINE)


def _directory(
    tags: Mapping[int, int | bytes], counts: dict[int, int] | None = None, order: str = "<", texts: int = 0
) -> bytes:
    """The last one, of tags and their values, or their places where there are several; long texts lie from `texts`."""
    entries = []
    for tag, value in sorted(tags.items()):
        if isinstance(value, int):
            entries.append(struct.pack(f"{order}HHII", tag, _LONG, (counts or {}).get(tag, 1), value))
            continue
        place = value
        if len(value) > _INLINE:
            place, texts = struct.pack(f"{order}I", texts), texts + len(value)
        entries.append(struct.pack(f"{order}HHI4s", tag, _ASCII, len(value), place))
    return struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4)
