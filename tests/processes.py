"""Processes that tests have started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_DROP, _POWERS = 24, (1, 2)  # linux/prctl.h, linux/capability.h: to write and to read whatever the permissions


def as_a_user() -> None:
    """Keeps root, too, from what has no permission: this process, in what it is about to become."""
    for power in _POWERS if sys.platform == "linux" else ():
        ctypes.CDLL(None).prctl(_DROP, power, 0, 0, 0)


def children() -> set[int]:
    """The processes that this one has started and that still run."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def below(process: int) -> Iterator[int]:
    """All processes that a process has started, and those that they have."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from below(child)


def command_of(process: int) -> str:
    """Its command line, "" where it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text()
    return ""
