"""TIFF files for the fake GIMP, which runs on a Python 2.7 without libvips: raw samples on stdin or stdout.

python3 tiff.py write PATH WIDTH HEIGHT BITS        python3 tiff.py read PATH  ->  a line "WIDTH HEIGHT BITS", samples
"""

import sys

import pyvips

FORMATS = {"8": ("uchar", "srgb"), "16": ("ushort", "rgb16")}


def write(path: str, width: str, height: str, bits: str) -> None:
    samples, space = FORMATS[bits]
    image = pyvips.Image.new_from_memory(sys.stdin.buffer.read(), int(width), int(height), 3, samples)
    image.copy(interpretation=space).tiffsave(path, profile="srgb")


def read(path: str) -> None:
    image = pyvips.Image.tiffload(path)
    (bits,) = (bits for bits, (samples, _) in FORMATS.items() if samples == image.format)
    if image.bands != 3 or not image.get_typeof("icc-profile-data"):
        sys.exit("This is not what the fake GIMP knows.")
    sys.stdout.buffer.write(f"{image.width} {image.height} {bits}\n".encode() + image.write_to_memory())


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
