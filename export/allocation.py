"""How the C library keeps memory between the steps of a training."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # mallopt(3)


def keep_memory() -> None:
    """Has glibc keep what a step gives back for the next one.

    Else it hands every large tensor's memory back to the system, which clears it page by page for the next tensor.
    Other C libraries are left as they are. `python -m tests.bench allocation` prints the gain.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
