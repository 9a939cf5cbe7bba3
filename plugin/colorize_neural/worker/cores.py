"""The processor's cores, and work for several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_threads(count: int, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map`, on so many threads at once; on this one where that is all: the memory of short-lived threads adds up."""
    if count == 1:
        yield from map(work, items)
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - loads logging, for which a start need not wait

        with ThreadPoolExecutor(count) as pool:
            yield from pool.map(work, items)
