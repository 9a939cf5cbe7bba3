"""The processor's cores, and work for several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

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


class Later(Generic[Result]):
    """What a thread of its own finds from now on; no future of concurrent.futures, which loads logging."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._failure: Exception | None = None
        self._worker = threading.Thread(target=self._run, daemon=True)
        self._worker.start()

    def wait(self, seconds: float) -> None:
        """Until it is found, but not longer."""
        self._worker.join(seconds)

    def result(self) -> Result:
        """As soon as it is found; what `work` raised."""
        self._worker.join()
        if self._failure:
            raise self._failure
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._work()
        except Exception as error:
            self._failure = error
