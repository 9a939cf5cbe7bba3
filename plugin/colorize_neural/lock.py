"""One process at a time: a lock on an open file, which the system ends even where the process is killed.

Standard library only: the installer and GIMP's own Python import it.
"""

from __future__ import annotations

import sys
from typing import IO, Any


def lock(file: IO[Any]) -> bool:
    """Whether this process has the lock now; another one that holds it keeps it."""
    try:
        _lock(file.fileno())
    except (BlockingIOError, PermissionError):
        return False
    return True


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
