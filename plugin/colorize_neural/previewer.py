"""Colours one small photograph again and again, in a thread: what is wanted last comes next, what is outdated never.

    previewer = Previewer(client, shape, photograph, deliver)
    previewer.want([Wish("main", options), Wish("vivid", other_options)])    ->  deliver(wish, rows, result) for each
    previewer.stop(), previewer.wait()                                       and the worker is free for other work

Standard library only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from colorize_neural import settings
from colorize_neural.client import Client
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Message, Shape


@dataclass(frozen=True)
class Wish:
    """A picture that is wanted: its name, and the worker's options for it."""

    name: str
    options: Mapping[str, object]
    foreseen: Sequence[float] = ()  # temperatures of the wishes that follow


Deliver = Callable[[Wish, bytes, Message], None]


class Previewer:
    """Holds the photograph and the thread; `deliver` is called in that thread, an error has "message" in its result."""

    def __init__(self, client: Client, shape: Shape, photograph: bytes, deliver: Deliver) -> None:
        """photograph: all rows of pixels, as `shape` describes them."""
        self._client, self._shape, self._photograph, self._deliver = client, shape, photograph, deliver
        self._wishes: list[Wish] | None = []  # None: no more will come
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def want(self, wishes: Sequence[Wish]) -> None:
        """These, in this order, instead of all that were wanted before."""
        with self._changed:
            self._wishes = [*wishes]
            self._changed.notify()

    def stop(self) -> None:
        """Nothing is wanted any more; what is in work goes on, until `wait` or the end of the client."""
        with self._changed:
            self._wishes = None
            self._changed.notify()

    def wait(self, seconds: float | None = None) -> bool:
        """After `stop`: returns when the worker is idle, or after so many seconds -> whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while wish := self._next():
            try:
                done = self._coloured(wish)
            except Exception as error:
                if self._wishes is None and not isinstance(error, ColorizeError):
                    return  # its client was closed
                done = b"", {"message": settings.sentence_of(error)}
            self._deliver(wish, *done)

    def _next(self) -> Wish | None:
        with self._changed:
            self._changed.wait_for(lambda: self._wishes != [])
            return self._wishes.pop(0) if self._wishes else None

    def _coloured(self, wish: Wish) -> tuple[bytes, Message]:
        with self._client.pixels(self._shape) as pixels:
            pixels.write(self._photograph)
            result = self._client.colorize(pixels, wish.options, foreseen=wish.foreseen)
            return pixels.read(self._shape.height), result
