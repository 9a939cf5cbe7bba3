"""One process at a time: a lock on an open file, which the system ends even where the process is killed.

Standard library only: the installer and GIMP's own Python import it.
"""

from __future__ import annotations

import errno
import sys
from typing import IO, Any

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)


def lock(file: IO[Any]) -> bool:
    """Whether this process has the lock now; a file system that knows no locks lets everybody have it."""
    try:
        _lock(file.fileno())
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
