"""Samples of the fake GIMP: numbers 0..1 of the sRGB curve, rounded to what an image's precision can hold."""

import array
import os
import subprocess
import sys

from gimpenums import PRECISION_U8_GAMMA, PRECISION_U16_GAMMA

TIFF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiff.py")
BITS = {PRECISION_U8_GAMMA: 8, PRECISION_U16_GAMMA: 16}
STEPS = {1: 255, 2: 65535}  # by the hundreds of the precision; the others are floating point


def held(value, precision):
    """The nearest number that the precision holds; the odd hundreds' first halves count linear light."""
    steps = STEPS.get(precision // 100)
    if not steps:
        return value
    if precision % 100:
        return round(value * steps) / steps
    return _srgb(round(_linear(value) * steps) / steps)


def _linear(value):
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _srgb(value):
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def write_tiff(path, rows, precision):
    """RGB rows of a precision that a TIFF of integers holds -> a TIFF that says it is sRGB."""
    bits = BITS[precision]
    levels = [int(round(sample * (2**bits - 1))) for row in rows for pixel in row for sample in pixel]
    samples = array.array("B" if bits == 8 else "H", levels).tostring()
    _python3("write", path, str(len(rows[0])), str(len(rows)), str(bits), given=samples)


def read_tiff(path):
    """-> RGB rows, their precision."""
    head, _, samples = _python3("read", path).partition(b"\n")
    width, height, bits = map(int, head.split())
    levels = array.array("B" if bits == 8 else "H", samples)
    values = [level / float(2**bits - 1) for level in levels]
    pixels = [values[at : at + 3] for at in range(0, len(values), 3)]
    rows = [pixels[row * width : (row + 1) * width] for row in range(height)]
    return rows, dict((count, precision) for precision, count in BITS.items())[bits]


def _python3(*words, **more):
    """Runs tiff.py in the tests' own Python."""
    command = [os.environ["TESTS_PYTHON"], "-I", TIFF] + list(words)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr)
    answer, _ = process.communicate(more.get("given", b""))
    if process.returncode:
        raise RuntimeError("Procedure 'file-tiff-%s' failed" % words[0])
    return answer
