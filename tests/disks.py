"""Disks that are soon full."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.absence import absent


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A new folder with that much room; where it cannot be had, the test is skipped, but in CI it fails."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        absent("only root can mount a small disk, and only where mounting is allowed")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
