"""Whole processes of the benchmarks: the command as users start it, and the least that has to be done in its place."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMMAND = (sys.executable, "-m", "colorize_neural.cli")
BARE = (sys.executable, "-I", str(Path(__file__).with_name("bare.py")))

# A process is said to have needed at least what its parent did when it started it, so a small one must be between.
_LAUNCHER = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


@contextlib.contextmanager
def process(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that runs meanwhile, and is gone afterwards; what it says of errors is in its `stderr`."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


def output(*command: str | Path) -> str:
    """What a process prints until it ends; RuntimeError where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} ended with the status {done.returncode}: {done.stderr}")
    return done.stdout


def peak_memory(*command: str | Path) -> int:
    """The most bytes that a process, which prints nothing, has in memory; RuntimeError where it fails."""
    return int(output(sys.executable, "-c", _LAUNCHER, *command)) * _UNIT
