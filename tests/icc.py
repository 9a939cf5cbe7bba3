"""A colour profile whose way to Lab is a table, as scanners have: sRGB's primaries with a gamma of 1.8.

lut_profile()  ->  the bytes of an ICC profile, version 2
"""

from __future__ import annotations

import struct

import numpy as np
from colorize_neural.worker.color import lab_from_rgb, linear_from_srgb, rgb_from_lab, srgb_from_linear
from numpy.typing import NDArray

_GRID = 33  # points on each side of a table
_GAMMA = 1.8


def lut_profile() -> bytes:
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50, XYZ
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 6) + b"table\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + white,
        b"A2B0": _table(_encoded(lab_from_rgb(srgb_from_linear(_points() ** _GAMMA)))),
        b"B2A0": _table(linear_from_srgb(rgb_from_lab(_decoded(_points())).clip(0, 1)) ** (1 / _GAMMA)),
    }
    place, entries, content = 132 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        entries += name + struct.pack(">II", place + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    kind = b"scnr", b"RGB ", b"Lab ", bytes(12), b"acsp"
    head = struct.pack(">I4sI4s4s4s12s4s", place + len(content), b"lcms", 0x02400000, *kind)
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + struct.pack(">I", len(tags)) + entries + content


def _points() -> NDArray[np.float32]:
    """(points, 1, 3), 0..1: the last channel varies fastest."""
    axis = np.linspace(0, 1, _GRID, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 1, 3)


def _encoded(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lab as such a table counts it: 0..1 for L up to 100.4, and for a and b from -128 to 128."""
    return np.float32(1 / 65535) * np.stack(
        [lab[..., 0] / 100 * 65280, *((lab[..., 1:] + 128) * 256).transpose(2, 0, 1)], axis=-1
    )


def _decoded(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    steps = encoded * 65535
    return np.stack([steps[..., 0] / 652.8, *(steps[..., 1:] / 256 - 128).transpose(2, 0, 1)], axis=-1)


def _table(outputs: NDArray[np.float32]) -> bytes:
    """outputs: (points, 1, 3), 0..1"""
    unit = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    straight = struct.pack(">2H", 0, 65535) * 3
    table = np.rint(outputs * 65535).astype(">u2").tobytes()
    return b"mft2" + bytes(4) + bytes([3, 3, _GRID, 0]) + unit + struct.pack(">2H", 2, 2) + straight + table + straight
