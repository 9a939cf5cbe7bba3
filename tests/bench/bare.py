"""The least that has to be done, in a process of its own, without any code of ours; threads are left to the libraries.

bare.py MODEL                         imports, makes the session and says "ready"
bare.py MODEL HEIGHT WIDTH PHOTO OUT  then decodes, runs the network at that size, converts Lab to RGB, encodes
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import onnxruntime


def main(model: str, *photograph: str) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    print("ready", flush=True)
    if photograph:
        height, width, photo, out = photograph
        colour(session, (int(height), int(width)), photo, out)


def colour(session: onnxruntime.InferenceSession, size: tuple[int, int], photo: str, out: str) -> None:
    """A JPEG of no use, written as the command writes one."""
    import pyvips  # noqa: PLC0415 - who is only to be ready needs none

    pixels = pyvips.Image.new_from_file(photo, access="sequential").numpy()
    session.run(["ab"], {"L": np.zeros((1, 1, *size), np.float32), "temperature": np.array([0.5], np.float32)})
    cv2.cvtColor(pixels, cv2.COLOR_LAB2RGB)
    pyvips.Image.new_from_array(pixels).write_to_file(out, Q=93)


if __name__ == "__main__":
    main(*sys.argv[1:])
