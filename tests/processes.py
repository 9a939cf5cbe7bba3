"""Processes that tests have started."""

from __future__ import annotations

import os
from pathlib import Path


def children(parent: int | None = None) -> set[int]:
    """The processes that one, else this one, has started and that still run."""
    process = parent or os.getpid()
    return set(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))
