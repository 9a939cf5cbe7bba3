"""Colours a picture through the client and the settings.json of a plug-in folder: FOLDER DEVICE.

A process of its own, because install.py has the checkout's client loaded, not the installed one; and one that needs no
other file of the checkout, for a sandbox may not see it.
"""

from __future__ import annotations

import sys
from pathlib import Path

WIDTH, HEIGHT = 96, 64


def main(folder: Path, device: str) -> None:
    """Prints on what it ran; ends with a sentence where it could not."""
    sys.path.insert(0, str(folder))
    from colorize_neural import settings  # noqa: PLC0415 - only now it is that folder's
    from colorize_neural.client import Client  # noqa: PLC0415
    from colorize_neural.errors import ColorizeError  # noqa: PLC0415
    from colorize_neural.protocol import Shape  # noqa: PLC0415

    grey = bytes(level for y in range(HEIGHT) for x in range(WIDTH) for level in [64 + x + y // 2] * 3)
    try:
        with Client(settings.read(folder)) as client, client.pixels(Shape(WIDTH, HEIGHT, 3, "uint8")) as pixels:
            pixels.write(grey)
            result = client.colorize(pixels, {"device": device})
            coloured = pixels.read(HEIGHT)
    except ColorizeError as error:
        sys.exit(str(error))
    if len(coloured) != len(grey) or coloured == grey:
        sys.exit("The worker answers, but the picture stays grey: please report this.")
    print(result["note"] or f"Ran on the {result['device'].upper()}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
