"""The clock of the benchmarks."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

_REST = 0.05  # seconds: threads of the work before may still look for more
_SLICE = 2.0  # seconds


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(turns: int, *works: Callable[[], object], after: Callable[[], object] = lambda: None) -> list[float]:
    """The least seconds of each, taken in turns, so that what disturbs the machine disturbs all of them.

    after: clears away what each left, and is not counted
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(turns):
        for work, own in zip(works, times, strict=True):
            time.sleep(_REST)
            own.append(seconds(work))
            after()
    return [min(own) for own in times]


def alternately(*stopped: subprocess.Popen[bytes]) -> list[float]:
    """The seconds that each process still runs, in turns, so that a machine whose speed drifts is as slow for all.

    RuntimeError where one fails, with what it says on a piped stderr.
    """
    taken = dict.fromkeys(stopped, 0.0)
    while running := [process for process in stopped if process.returncode is None]:
        for process in running:
            process.send_signal(signal.SIGCONT)
            taken[process] += seconds(partial(_run_on, process))
            if process.returncode:
                said = process.stderr.read().decode() if process.stderr else ""
                raise RuntimeError(f"{process.args!r} ended with the status {process.returncode}: {said}")
    return list(taken.values())


def _run_on(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_SLICE)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGSTOP)
