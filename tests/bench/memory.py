"""How much memory the command needs at its peak for one JPEG, beside 350 MB and 12 bytes for each pixel."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.photographs import write_photograph
from tests.bench.processes import COMMAND, peak_memory
from tests.bench.results import Row

SIZES = {2: (1250, 1600), 24: (4000, 6000), 100: (10_000, 10_000)}  # megapixels: height, width
BASE, PER_PIXEL = 350e6, 12  # bytes


def rows() -> list[Row]:
    return [row_of(megapixels, size) for megapixels, size in SIZES.items()]


def row_of(megapixels: int, size: tuple[int, int]) -> Row:
    limit = BASE + PER_PIXEL * size[0] * size[1]
    with tempfile.TemporaryDirectory() as folder:
        photo = write_photograph(Path(folder) / "photo.jpg", size)
        peak = peak_memory(*COMMAND, photo, "-o", photo.with_name("out.jpg"))
    what = "the command's peak for one JPEG, beside 350 MB + 12 bytes a pixel"
    return Row(f"memory {megapixels} MP", what, peak / limit, 1.0, f"{peak / 1e6:.0f} MB beside {limit / 1e6:.0f} MB")
