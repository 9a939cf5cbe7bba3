"""Photographs in and out of files, through libvips.

a file of any format libvips reads  ->  Photograph: sRGB pixels (h, w, 3 or 4), uint8 or uint16, and its metadata
Photograph  ->  PNG, JPEG, TIFF or WebP, tagged sRGB
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyvips
from numpy.typing import NDArray

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import check_is_file, is_folder
from colorize_neural.worker.tiff_words import add_words, read_words


@dataclass(frozen=True)
class Format:
    """What libvips is told when it saves, and what the format can hold."""

    arguments: dict[str, Any]
    bits: int
    alpha: bool
    longest: int = 10_000_000  # pixels of a side: libvips's own limit, where the format has none


_JPEG = Format({"Q": 93}, bits=8, alpha=False, longest=65_500)
_TIFF = Format({"compression": "deflate", "predictor": "horizontal"}, bits=16, alpha=True)
FORMATS = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".png": Format({}, bits=16, alpha=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".webp": Format({"Q": 93}, bits=8, alpha=True, longest=16_383),
}
FALLBACK_SUFFIX = ".png"  # for photographs whose own format is only read
READ = (*FORMATS, ".avif", ".gif", ".heic", ".heif")
_DESCRIBING = ("exif-", "xmp-", "iptc-", "png-comment-", "image-description", "photoshop-data", "resolution-unit")
_EXIF_BEGIN = b"Exif\0\0"  # before the TIFF that EXIF is, in some formats
_XMP_ORIENTATION = re.compile(rb"""(\btiff:Orientation(?:\s*=\s*["']|>\s*))[2-8]""")
_HALF_A_STEP = 128  # of 65535: half a step of 8 bits
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe of that name is not waited for


@dataclass
class Photograph:
    """Pixels, sRGB (h, w, 3 or 4), uint8 or uint16, and what else their file said."""

    pixels: NDArray[Any]
    resolution: tuple[float, float]  # pixels per millimetre
    metadata: list[tuple[int, str, Any]]  # libvips' type, name and value
    words: dict[str, str]  # what EXIF or a TIFF says in words, by EXIF's names
    note: str  # what the user should know of it, "" where there is nothing to say


def result_suffix(photo: Path) -> str:
    """Of the photograph's own format, where that is written."""
    return photo.suffix if photo.suffix.lower() in FORMATS else FALLBACK_SUFFIX


def read_photograph(path: Path) -> Photograph:
    """The whole photograph, upright and in sRGB; ColorizeError says in a sentence what is wrong with the file."""
    check_is_file(path)
    try:
        try:
            return _photograph(path, "error")
        except pyvips.Error as error:
            if not _is_of_another_page(path, error):
                raise
            return _photograph(path, "truncated")
    except pyvips.Error as error:
        raise ColorizeError(_unreadable(path, error)) from error
    except OSError as error:
        raise ColorizeError(f"{path} cannot be read ({error.strerror}): change its permissions or copy it.") from error


def _torn(path: Path) -> str:
    return f"{path} is damaged or ends in the middle: fetch it again from where it came from."


def _unreadable(path: Path, error: pyvips.Error) -> str:
    if "support" not in str(error).lower():  # what libvips was built without is no fault of the file
        with contextlib.suppress(OSError):  # it may be gone by now
            if _is_torn(path):
                return _torn(path)
        if "memory" in str(error):
            return f"There is not enough memory to read {path}: close other programs, or make it smaller."
    return (
        f"{path} cannot be read as a photograph, it may be damaged or of an unknown format: "
        "open it in an image editor and save it as PNG, JPEG, TIFF or WebP."
    )


def check_can_write(path: Path, overwrite: bool) -> None:
    """ColorizeError where a result can plainly not be written to `path`, before any work is done."""
    if path.suffix.lower() not in FORMATS:
        raise ColorizeError(
            f"{path} has no format this program writes: end the name in {', '.join(FORMATS)}, or make the folder first."
        )
    if is_folder(path):
        raise ColorizeError(f"{path} is a folder: name a file to write to.")
    if not is_folder(path.parent):
        raise ColorizeError(f"There is no folder {path.parent}: make it first, or name another.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ColorizeError(f"The folder {path.parent} cannot be written to: name another.")
    if os.path.lexists(path) and not overwrite:  # a link may lead to a disk that is away
        raise ColorizeError(f"{path} exists: add --overwrite to replace it, or name another file.")


def are_same(one: Path, other: Path) -> bool:
    """Whether both are names of one file that is there."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def write_photograph(photograph: Photograph, path: Path) -> None:
    """Writes beside and renames, so that `path` is whole or untouched; ColorizeError where that fails."""
    written = path.with_name(f".{settings.NAME}.{uuid.uuid4().hex}{path.suffix}")  # not `beside`: runs sweep those
    try:
        save_photograph(photograph, path, written)
        written.replace(path)
    except OSError as error:
        raise ColorizeError(
            f"{path} cannot be written ({error.strerror}): close it elsewhere, or name another."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            written.unlink()


def save_photograph(photograph: Photograph, path: Path, written: Path) -> None:
    """Writes what is to become `path` into the file `written`; ColorizeError where that fails."""
    wanted = FORMATS[path.suffix.lower()]
    image = _tagged(photograph)
    if max(image.width, image.height) > wanted.longest:
        raise ColorizeError(
            f"{path} would be longer than the {wanted.longest:,} pixels that its format can hold: choose PNG or TIFF."
        )
    if wanted is _TIFF:
        image.remove("iptc-data")  # of which libvips would write a quarter
    if wanted.bits == 8 and image.format == "ushort":
        image = (image >> 8).cast("uchar").copy(interpretation="srgb")
    if image.hasalpha() and not wanted.alpha:
        image = image.flatten(background=255)
    try:
        with written.open("w+b") as stream:
            target = pyvips.Target.new_to_descriptor(stream.fileno())
            image.write_to_target(target, path.suffix, **wanted.arguments)
            if wanted is _TIFF:
                add_words(stream, photograph.words)
            stream.flush()
            os.fsync(stream.fileno())
    except (pyvips.Error, OSError) as error:
        reason = " ".join(str(error).split())
        raise ColorizeError(
            f"{path} could not be written, {reason}: free space there or name another place."
        ) from error


def use_threads(count: int) -> None:
    """How many libvips may use for one photograph."""
    pyvips.concurrency_set(count)


def bytes_of(path: Path) -> int:
    """How large the photograph's pixels are, by what its file says at its beginning; 0 where it says nothing."""
    try:
        image = _image(path, "sequential", "none")
    except (pyvips.Error, OSError):
        return 0
    return image.width * image.height * max(3, image.bands) * (1 if image.format == "uchar" else 2)


def check_is_whole(path: Path) -> None:
    """ColorizeError where only a part of a photograph can be read; what libvips does not know may be whole."""
    if _is_torn(path):
        raise ColorizeError(_torn(path))


def _is_torn(path: Path) -> bool:
    """Whether it begins as a photograph, but cannot be read to its end."""
    try:
        _image(path, "sequential", "none")
    except pyvips.Error:
        return False
    try:
        _image(path, "sequential", "error").avg()
    except pyvips.Error as error:
        return not _is_of_another_page(path, error)
    return False


def _photograph(path: Path, fail_on: str) -> Photograph:
    """pyvips.Error where libvips finds a fault of that kind anywhere in the file."""
    image = _opened(path, fail_on)
    pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
    return Photograph(
        pixels=_srgb(image, path).numpy(),
        resolution=(image.xres, image.yres),
        metadata=[
            (image.get_typeof(name), name, image.get(name))
            for name in image.get_fields()
            if name.startswith(_DESCRIBING)
        ],
        words=_words(image, path),
        note=f"{path} has {pages} pages: only the first one was coloured." if pages > 1 else "",
    )


def _words(image: Any, path: Path) -> dict[str, str]:
    if image.get_typeof("exif-data"):
        return read_words(io.BytesIO(bytes(image.get("exif-data")).removeprefix(_EXIF_BEGIN)))
    with path.open("rb") as file:
        return read_words(file)


def _is_of_another_page(path: Path, error: pyvips.Error) -> bool:
    """Whether libvips misses something in a page of a TIFF, a thumbnail say, and OpenCV nothing in the first one."""
    if "TIFF directory is missing" not in str(error):
        return False
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong will be told in a sentence
    return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) is not None


def _opened(path: Path, fail_on: str) -> Any:
    """The image, upright; read as a stream, which needs little memory, unless it has to be turned."""
    image = _image(path, "sequential", fail_on)
    turned = image.get_typeof("orientation") != 0 and image.get("orientation") != 1
    if not turned:
        return image
    image = _image(path, "random", fail_on).autorot().copy()
    if image.get_typeof("xmp-data"):  # it says the same as EXIF
        upright = _XMP_ORIENTATION.sub(rb"\g<1>1", image.get("xmp-data"))
        image.set_type(pyvips.GValue.blob_type, "xmp-data", upright)
    return image


def _image(path: Path, access: str, fail_on: str) -> Any:
    """By descriptor: libvips takes names in UTF-8 only, and one given to Image would end at its first bracket."""
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        source = pyvips.Source.new_from_descriptor(descriptor)  # which duplicates it
        return pyvips.Image.new_from_source(source, "", fail_on=fail_on, access=access)
    finally:
        os.close(descriptor)


def _srgb(image: Any, path: Path) -> Any:
    """8 or 16 bit sRGB with or without alpha, by the embedded profile where there is one."""
    if image.format not in ("uchar", "ushort") and image.interpretation in ("b-w", "multiband"):
        raise ColorizeError(f"{path} has {image.format} samples, whose white is unknown: save it with 8 or 16 bits.")
    bits = 8 if image.format == "uchar" else 16
    if image.get_typeof("icc-profile-data") != 0 and not _has_srgb_profile(image):
        image = image.icc_transform("srgb", embedded=True, depth=bits)
    image = image.colourspace("rgb16" if bits == 16 else "srgb").cast("ushort" if bits == 16 else "uchar")
    return image[:4] if image.bands > 4 else image


def _has_srgb_profile(image: Any) -> bool:
    """Whether its profile is sRGB in other words, and moves no colour visibly: then its own values can be kept."""
    channels = {"b-w": 1, "grey16": 1, "srgb": 3, "rgb16": 3}.get(image.interpretation, 0)
    if not channels:
        return False
    steps = np.linspace(0, 65535, 9).astype(np.uint16)
    colours = np.stack(np.meshgrid(*[steps] * channels), axis=-1).reshape(1, -1, channels)
    probe = pyvips.Image.new_from_array(colours, interpretation="rgb16" if channels == 3 else "grey16").copy()
    probe.set_type(pyvips.GValue.blob_type, "icc-profile-data", image.get("icc-profile-data"))
    moved = probe.icc_transform("srgb", embedded=True, depth=16).numpy().astype(np.int32)
    return bool(np.abs(moved - colours).max() < _HALF_A_STEP)


def _tagged(photograph: Photograph) -> Any:
    """The pixels as an image that carries its file's metadata and an sRGB profile."""
    deep = photograph.pixels.dtype == np.uint16
    image = pyvips.Image.new_from_array(photograph.pixels, interpretation="rgb16" if deep else "srgb")
    across, down = photograph.resolution
    image = image.copy(xres=across, yres=down)  # a copy's header may be changed
    for kind, name, value in photograph.metadata:
        image.set_type(kind, name, value)
    if "ImageDescription" in photograph.words:
        image.set_type(pyvips.GValue.gstr_type, "image-description", photograph.words["ImageDescription"])
    if not image.get_typeof("exif-data"):
        for name, text in photograph.words.items():
            if all(ord(letter) < 256 for letter in text):  # libvips gives EXIF their ASCII forms, and "?" for others
                # with a last bracket, for libvips cuts it off
                image.set_type(pyvips.GValue.gstr_type, f"exif-ifd0-{name}", f"{text} ()")
    image.set_type(pyvips.GValue.gint_type, "orientation", 1)  # autorot has done what EXIF may still ask for
    image.set_type(pyvips.GValue.blob_type, "jpeg-thumbnail-data", b"")  # none: EXIF's is grey, and perhaps lies
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", pyvips.Image.profile_load("srgb"))
    return image
