"""Images in files, by GIMP's own loaders and exporters.

a photograph in a file of any format in READ  ->  an image     an image  ->  a file of a format in WRITTEN
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorize_neural.errors import ColorizeError
from colorize_neural.folders import check_is_file
from gi.repository import Gegl, Gimp, Gio


@dataclass(frozen=True)
class Format:
    """A format that loses nothing of a coloured photograph but, where it has none, its layers."""

    exporter: str  # GIMP's procedure
    options: dict[str, object] = field(default_factory=dict)  # where GIMP's defaults are not meant for an archive
    has_layers: bool = False  # and their modes


_JPEG = Format("file-jpeg-export", {"quality": 0.93})
_TIFF = Format("file-tiff-export", {"compression": "adobe_deflate"})
WRITTEN = {
    ".xcf": Format("gimp-xcf-save", has_layers=True),
    ".psd": Format("file-psd-export", has_layers=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".png": Format("file-png-export"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jpe": _JPEG,
    ".jfif": _JPEG,
    ".jif": _JPEG,
    ".webp": Format("file-webp-export", {"quality": 93.0}),
}
FALLBACK_SUFFIX = ".xcf"  # for photographs whose own format is only read
_PACKED = (".xcf.gz", ".xcf.bz2", ".xcf.xz", ".xcfgz", ".xcfbz2", ".xcfxz")
_RAW = (
    *(".3fr", ".ari", ".arw", ".bay", ".cap", ".cine", ".cr2", ".cr3", ".crw", ".cs1", ".dc2", ".dcr", ".dng", ".erf"),
    *(".fff", ".iiq", ".k25", ".kc2", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".pxn"),
    *(".qtk", ".raf", ".raw", ".rdc", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".sti", ".x3f"),
)
# GIMP does not tell which it opens. Pages and drawings (PDF, EPS, SVG) are not here: it draws them anew, at any size.
READ = (
    *(*WRITTEN, *_PACKED, ".psb", ".ora", ".gif", ".bmp", ".dib", ".tga", ".heic", ".heif", ".avif", ".jxl"),
    *(".jp2", ".jpf", ".jpx", ".j2k", ".j2c", ".jpc", ".exr", ".hdr", ".fit", ".fits", ".dcm", ".dicom", ".dds"),
    *(".pcx", ".pnm", ".pbm", ".pgm", ".ppm", ".pam", ".pfm", ".qoi", ".ff", ".ras", ".sun"),
    *(".sgi", ".rgb", ".rgba", ".bw", ".psp", ".pspimage"),
    *_RAW,
)
# GIMP opens what is left of them, and tells no plug-in; it does so with others too, but of these libvips can tell.
OPENED_IN_PART = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".gif", ".tif", ".tiff")
_KEPT = ("include-exif", "include-iptc", "include-xmp", "include-color-profile", "include-comment")
_LEFT_OUT = ("include-thumbnail",)  # TIFF would have it as one more page


def result_suffix(photo: Path) -> str:
    """Of the photograph's own format, where that is written."""
    return photo.suffix if photo.suffix.lower() in WRITTEN else FALLBACK_SUFFIX


@contextlib.contextmanager
def opened(photo: Path) -> Iterator[Any]:
    """The image in a file, for as long as the `with` lasts; ColorizeError where GIMP cannot open it."""
    check_is_file(photo)
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(photo)))
    if image is None:
        raise ColorizeError(
            f"GIMP cannot open {photo} ({_reason()}): it may be damaged, or of another format than its name says."
        )
    try:
        image.undo_disable()
        if not photo.name.lower().endswith((".xcf", *_PACKED)):  # there, GIMP has asked already
            image.policy_rotate(False)  # the network wants it upright, where the user's preferences allow
        yield image
    finally:
        image.delete()


def save(image: Any, file: Path) -> None:
    """Writes the image to the disk, in the format of the name; ColorizeError where that fails."""
    wanted = WRITTEN[file.suffix.lower()]
    procedure = Gimp.get_pdb().lookup_procedure(wanted.exporter)
    config = procedure.create_config()
    told = {"run-mode": Gimp.RunMode.NONINTERACTIVE, "image": image, "file": Gio.File.new_for_path(str(file))}
    told |= dict.fromkeys(_KEPT, True) | dict.fromkeys(_LEFT_OUT, False) | wanted.options
    for name, value in told.items():
        if config.find_property(name):
            config.set_property(name, value)
    Gimp.context_push()
    Gimp.context_set_background(Gegl.Color.new("white"))  # for a format without transparency
    status = procedure.run(config).index(0)
    Gimp.context_pop()
    if status != Gimp.PDBStatusType.SUCCESS:
        raise ColorizeError(
            f"GIMP cannot save the result ({_reason()}): look whether {file.parent} has room, and can be written to."
        )
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _reason() -> str:
    return " ".join(Gimp.get_pdb().get_last_error().split()).rstrip(".")
