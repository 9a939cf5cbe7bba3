"""The clock of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable

_REST = 0.05  # seconds: threads of the work before may still look for more


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
