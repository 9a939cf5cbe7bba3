"""At which size a network sees a photograph, and which part of its answer is the photograph.

L (h, w) scaled to `working_size`  ->  `framed` L, as the network wants it;  its ab (t, h', w', 2)  ->  `unframed` ab

A manifest says it as {"short_side": 224, "multiple": 32} or as {"side": 64, "padding": 100.0}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from colorize_neural.worker.color import Float

Size = tuple[int, int]  # height and width
LONGEST_TO_SHORTEST = 8  # a photograph more slender than this is squeezed for the network


@dataclass(frozen=True)
class AnySize:
    """The network takes every size, both sides multiples of `multiple`, and prefers the short side to be this."""

    short_side: int
    multiple: int

    def working_size(self, height: int, width: int) -> Size:
        """At which size the network sees a photograph of the given size."""
        scale = self.short_side / min(height, width)
        longest = self.short_side * LONGEST_TO_SHORTEST
        wanted_height, wanted_width = (
            max(1, round(min(side * scale, longest) / self.multiple)) * self.multiple for side in (height, width)
        )
        return wanted_height, wanted_width

    def framed(self, L: Float) -> Float:
        """The photograph is all that the network sees."""
        return L

    def unframed(self, ab: Float, size: Size) -> Float:
        """All of the answer is the photograph, whose working size is `size`."""
        return ab

    def trial_sizes(self) -> list[Size]:
        """Of what a model must be able to see, small and of several shapes."""
        return [(high * self.multiple, wide * self.multiple) for high, wide in ((1, 1), (2, 5), (6, 4))]


@dataclass(frozen=True)
class OneSize:
    """The network takes side x side only: the photograph fitted in and padded with a lightness, or squeezed in."""

    side: int
    padding: float | None = None  # 0..100, around the photograph, which stays in proportion; None: it is squeezed

    def working_size(self, height: int, width: int) -> Size:
        """At which size the network sees a photograph of the given size, without its padding."""
        if self.padding is None:
            return self.side, self.side
        scale = self.side / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def framed(self, L: Float) -> Float:
        """The photograph in the middle of a square."""
        if L.shape == (self.side, self.side):
            return L
        import cv2  # noqa: PLC0415 - a list of models is read without it

        top, left = self._corner(L.shape)
        below, right = self.side - top - L.shape[0], self.side - left - L.shape[1]
        return cv2.copyMakeBorder(L, top, below, left, right, cv2.BORDER_CONSTANT, value=self.padding)

    def unframed(self, ab: Float, size: Size) -> Float:
        """The part of the answer that is the photograph, whose working size is `size`."""
        if size == (self.side, self.side):
            return ab
        import numpy as np  # noqa: PLC0415

        return np.stack([self._cut(np.ascontiguousarray(one), size) for one in ab])

    def trial_sizes(self) -> list[Size]:
        """Of what a model must be able to see: its one size."""
        return [(self.side, self.side)]

    def _cut(self, ab: Float, size: Size) -> Float:
        """One ab (h', w', 2), cut out in pixels of the network's input; then its own pixels are as large as before."""
        import cv2  # noqa: PLC0415

        top, left = self._corner(size)
        whole = cv2.resize(ab, (self.side, self.side), interpolation=cv2.INTER_NEAREST)
        part = whole[top : top + size[0], left : left + size[1]]
        h, w = (max(1, round(one * own / self.side)) for one, own in zip(size, ab.shape[:2], strict=True))
        return cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA)

    def _corner(self, size: tuple[int, ...]) -> Size:
        """Where the photograph begins: its top row and left column."""
        return (self.side - size[0]) // 2, (self.side - size[1]) // 2


Framing = AnySize | OneSize


def framing_from(size: dict[str, Any]) -> Framing:
    """What a manifest says of the size; TypeError or ValueError where it cannot be understood."""
    framing = OneSize(**size) if "side" in size else AnySize(**size)
    sides = (framing.side,) if isinstance(framing, OneSize) else (framing.short_side, framing.multiple)
    if not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(f"sides are whole numbers of pixels, not {size}")
    padding = framing.padding if isinstance(framing, OneSize) else None
    if padding is not None and not 0 <= padding <= 100:
        raise ValueError(f"padding is a lightness from 0 to 100, not {padding}")
    return framing
