"""Messages between a front end and the worker: one JSON object per line over the worker's stdin and stdout.

    client -> worker   hello     {}
                       prepare   {options}                        unanswered: the model is loaded meanwhile
                       check     {path}                           whether a photograph is whole, where libvips can tell
                       open      {path}                           an empty file: the worker unlinks it at once
                       colorize  {shape, options, foreseen,       colours the pixels that the file now holds;
                                  progress}                       foreseen: temperatures that will be asked for next;
                                                                  progress: whether it is to be told of
    worker -> client   hello     {version, protocol}
                       checked   {}
                       opened    {}
                       progress  {fraction, text}
                       result    {device, note, seconds}
                       error     {message}

Each message names its `kind`. Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

PROTOCOL = 2
SAMPLE_BYTES = {"uint8": 1, "uint16": 2, "float32": 4}

Message = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """Pixels in a file: height rows of width pixels, interleaved RGB or RGBA, sRGB, native byte order."""

    width: int
    height: int
    channels: int
    dtype: str

    def __post_init__(self) -> None:
        sizes = (self.width, self.height, self.channels)
        if not all(type(size) is int and size > 0 for size in sizes) or self.channels not in (3, 4):
            raise ValueError(f"{sizes} is no width, height and 3 or 4 channels")
        if self.dtype not in SAMPLE_BYTES:
            raise ValueError(f"{self.dtype!r} is none of {', '.join(SAMPLE_BYTES)}")

    @property
    def row_bytes(self) -> int:
        return self.width * self.channels * SAMPLE_BYTES[self.dtype]

    @property
    def bytes(self) -> int:
        return self.height * self.row_bytes


def write(stream: BinaryIO, kind: str, **entries: object) -> None:
    """Sends one message; plain ASCII, so that no side's locale matters and odd file names survive."""
    stream.write(json.dumps({"kind": kind, **entries}).encode("ascii") + b"\n")
    stream.flush()


def parse(line: bytes) -> Message:
    """One line -> its message; ValueError where it is none."""
    message = json.loads(line)
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise ValueError("a message is a JSON object that names its kind")  # noqa: TRY004 - as for any damaged line
    return message
