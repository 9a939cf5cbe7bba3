"""TIFFs as other programs write them, byte by byte.

TIFF 6.0: a directory counts its entries (2 bytes), has 12 bytes for each, and then the place of the next one (4 bytes).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BEGINNING = 8
_ENTRY = 12
_LONG = 4  # the type of an entry of 4 bytes
_THUMBNAIL = {254: 1, 256: 64, 257: 64, 259: 6, 262: 6, 513: 8, 514: 100}  # by the old JPEG tags: it has no strips


def add_thumbnail(file: Path) -> None:
    """After the only page of a little-endian TIFF, as GIMP and cameras do."""
    content = bytearray(file.read_bytes())
    content += bytes(len(content) % 2)
    (page,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, page)
    struct.pack_into("<I", content, page + 2 + _ENTRY * entries, len(content))
    file.write_bytes(content + _directory(_THUMBNAIL))


def write_scan(file: Path, grey: NDArray[np.uint8]) -> None:
    """One strip a row (h, w), the directory before them, as scanners do."""
    height, width = grey.shape
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 0}
    places = _BEGINNING + len(_directory(tags))
    sizes = places + 4 * height
    pixels = sizes + 4 * height
    directory = _directory(tags | {273: places, 279: sizes}, {273: height, 279: height})
    offsets = np.arange(pixels, pixels + grey.size, width, dtype="<u4").tobytes()
    counts = np.full(height, width, "<u4").tobytes()
    file.write_bytes(b"II*\0" + struct.pack("<I", _BEGINNING) + directory + offsets + counts + grey.tobytes())


def _directory(tags: dict[int, int], counts: dict[int, int] | None = None) -> bytes:
    """The last one, of tags and their values, or their places where there are several."""
    entries = [struct.pack("<HHII", tag, _LONG, (counts or {}).get(tag, 1), value) for tag, value in tags.items()]
    return struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
