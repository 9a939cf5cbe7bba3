"""The `colorize-neural` command as users type it: a process of its own, real files, real failures."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
from colorize_neural import __version__
from colorize_neural.settings import MODELS_VARIABLE, Settings
from colorize_neural.worker.color import lab_from_rgb
from colorize_neural.worker.tiff_words import add_words, read_words

from tests.disks import small_disk
from tests.tiffs import add_exif, add_thumbnail, write_scan
from tests.tiny_models import make_models

SAMPLE = Path(__file__).parents[1] / "samples" / "migrant-mother-1936.jpg"
ODD = 'Zoë\'s "été" [1] $HOME'
Done = subprocess.CompletedProcess[str]


def load(path: Path) -> pyvips.Image:
    return pyvips.Image.new_from_source(pyvips.Source.new_from_file(str(path)), "")


def save(image: pyvips.Image, path: Path) -> None:
    image.write_to_target(pyvips.Target.new_to_file(str(path)), path.suffix)


class Desk:
    """A folder with an odd name in which the command is run."""

    def __init__(self, folder: Path, models: Path) -> None:
        self.folder, self.models = folder / ODD, models
        self.folder.mkdir()

    def run(self, *arguments: str | Path, models: Path | None = None) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "colorize_neural.cli", *arguments],
            cwd=self.folder,
            env=os.environ | {MODELS_VARIABLE: str(models or self.models), "XDG_DATA_HOME": str(self.folder.parent)},
            capture_output=True,
            text=True,
            check=False,
        )

    def started(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """The command as a program starts it, which holds its stdin and reads its stdout."""
        return subprocess.Popen(
            [sys.executable, "-m", "colorize_neural.cli", *arguments],
            cwd=self.folder,
            env=os.environ | {MODELS_VARIABLE: str(self.models)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def colorize(self, *arguments: str | Path) -> None:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr

    def grey(self, name: str, bits: int = 8) -> Path:
        """A grey ramp in a file of any format."""
        ramp = np.arange(256, dtype=np.uint16).repeat(2)[None].repeat(64, axis=0) * (257 if bits == 16 else 1)
        image = pyvips.Image.new_from_array(ramp.astype(np.uint16 if bits == 16 else np.uint8))
        image = image.copy(interpretation="grey16" if bits == 16 else "b-w", xres=11.8, yres=11.8)
        save(image, self.folder / name)
        return self.folder / name


@pytest.fixture
def desk(tmp_path: Path, tiny: Settings) -> Desk:
    return Desk(tmp_path, tiny.models)


@pytest.mark.parametrize("name", ["p.png", "p.tif", "p.tiff", "p.PNG"])
@pytest.mark.parametrize("bits", [8, 16])
def test_without_colour_the_file_comes_back_value_for_value(desk: Desk, name: str, bits: int) -> None:
    source = desk.grey(name, bits)
    desk.colorize(source, "-o", f"out {name}", "--model", "grey")
    before, after = (load(desk.folder / file) for file in (name, f"out {name}"))
    assert (after.width, after.height, after.bands, after.format) == (before.width, before.height, 3, before.format)
    assert all(np.array_equal(after[band].numpy(), before[0].numpy()) for band in range(3))


def test_the_caption_of_an_archives_tiff_is_kept(desk: Desk) -> None:
    image = load(desk.grey("in.png")).copy()
    image.set_type(pyvips.GValue.gstr_type, "image-description", "The mill, 1904")
    save(image, desk.folder / "in.tif")
    desk.colorize("in.tif", "-o", "out.tif")
    assert load(desk.folder / "out.tif").get("image-description") == "The mill, 1904"


BROKEN_TIFFS = {
    "nothing": b"",
    "a PNG": b"\x89PNG\r\n",
    "a header": b"II*\0",
    "a directory that ends": b"II*\0\x08\0\0\0\x05\0",
    "a directory far away": b"MM\0+\0\x08\0\0" + b"\xff" * 8,
    "a directory of many entries": b"II*\0" + b"\x04" * 99,
    "a text far away": b"II+\0\x08\0\0\0" + struct.pack("<QQHHQQQ", 16, 1, 315, 2, 99, 1 << 63, 0),
}


@pytest.mark.parametrize("content", BROKEN_TIFFS.values(), ids=BROKEN_TIFFS)
def test_a_broken_directory_says_nothing_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.tif").write_bytes(content)
    with (tmp_path / "broken.tif").open("rb") as file:
        assert read_words(file) == {}


CAMERAS = {
    "zeros behind": ({"Artist": b"Bob" + bytes(61)}, {"Artist": "Bob"}),
    "no zero behind": ({"Artist": b"Robert"}, {"Artist": "Robert"}),
    "who took it and who has it": ({"Copyright": b"Lange\0FSA\0"}, {"Copyright": "Lange; FSA"}),
    "who has it": ({"Copyright": b" \0FSA\0"}, {"Copyright": "FSA"}),
    "Latin-1": ({"ImageDescription": b"B\xfccherei\0"}, {"ImageDescription": "Bücherei"}),
    "spaces": ({"ImageDescription": b" " * 31 + b"\0", "Make": b"Leo\0"}, {"Make": "Leo"}),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("written", "read"), CAMERAS.values(), ids=CAMERAS)
def test_what_a_camera_says_in_words_is_in_the_tiff(
    desk: Desk, written: dict[str, bytes], read: dict[str, str], order: str
) -> None:
    save(load(desk.grey("in.png")), desk.folder / "in.jpg")
    add_exif(desk.folder / "in.jpg", written, order)
    desk.colorize("in.jpg", "-o", "out.tif")
    with (desk.folder / "out.tif").open("rb") as file:
        assert read_words(file) == read


def test_words_are_added_to_a_large_tiff_and_none_is_replaced(tmp_path: Path) -> None:
    image = pyvips.Image.black(30, 20).copy()
    image.set_type(pyvips.GValue.gstr_type, "image-description", "The mill, 1904")
    image.tiffsave(str(tmp_path / "large.tif"), bigtiff=True)
    with (tmp_path / "large.tif").open("r+b") as file:
        add_words(file, {"Artist": "Dorothea Lange", "Make": "Leo", "ImageDescription": "another"})
        assert read_words(file) == {"ImageDescription": "The mill, 1904", "Make": "Leo", "Artist": "Dorothea Lange"}
    assert np.array_equal(load(tmp_path / "large.tif").numpy(), image.numpy())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["out.tif", "out.jpg", "out.png", "out.webp"])
def test_what_a_scan_says_of_itself_in_words_is_kept(desk: Desk, name: str, order: str) -> None:
    said = {"Artist": "Dorothea Lange (FSA)", "DateTime": "1936:03:09 12:00:00", "Make": "Leo", "Copyright": "Bücherei"}
    write_scan(desk.folder / "scan.tif", load(desk.grey("in.png")).numpy(), said, order)
    desk.colorize("scan.tif", "-o", name)
    desk.colorize(name, "-o", "again.tif")
    kept = said if name.endswith("tif") else said | {"Copyright": "Bucherei"}  # EXIF has no other letters
    with (desk.folder / "again.tif").open("rb") as file:
        assert read_words(file) == kept
    assert load(desk.folder / "again.tif").bands == 3


def test_a_name_that_is_no_utf_8_is_as_good_as_any(desk: Desk) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    desk.grey("in.png").rename(desk.folder / name)
    done = desk.run(name, "-o", os.fsdecode(b"out\xe9.png"))
    assert done.returncode == 0, done.stderr
    assert (desk.folder / os.fsdecode(b"out\xe9.png")).stat().st_size > 0


def test_the_user_is_told_that_only_the_first_page_is_coloured(desk: Desk) -> None:
    page = load(desk.grey("in.png")).copy()
    both = page.join(page, "vertical").copy()
    both.set_type(pyvips.GValue.gint_type, "page-height", page.height)
    save(both, desk.folder / "pages.tif")
    done = desk.run("pages.tif", "-o", "out.tif")
    assert done.returncode == 0
    assert "2 pages" in done.stderr
    assert load(desk.folder / "out.tif").height == page.height


def test_a_reader_that_goes_away_is_no_failure(desk: Desk) -> None:
    command = f"{shlex.quote(sys.executable)} -m colorize_neural.cli models | true"
    environment = os.environ | {MODELS_VARIABLE: str(desk.models)}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["p.jpg", "p.jpeg", "p.png", "p.tif", "p.webp"])
def test_every_format_comes_out_coloured_tagged_and_with_its_resolution(desk: Desk, name: str) -> None:
    desk.colorize(desk.grey("in.png"), "-o", name)
    image = load(desk.folder / name)
    assert image.bands == 3
    assert image.get_typeof("icc-profile-data")
    assert np.ptp(image.numpy()[32, 256]) > 60
    if not name.endswith("webp"):  # which has no field for it
        assert image.xres == pytest.approx(11.8, abs=0.02)


def test_orientation_is_applied_and_metadata_kept(desk: Desk) -> None:
    image = load(SAMPLE).copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-ImageDescription", "My grandmother")
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP % b"6")
    image.set_type(pyvips.GValue.blob_type, "jpeg-thumbnail-data", SAMPLE.read_bytes()[:5000])
    save(image, desk.folder / "lying.jpg")
    desk.colorize("lying.jpg", "-o", "out.jpg")
    after = load(desk.folder / "out.jpg")
    assert (after.width, after.height) == (image.height, image.width)
    assert not after.get_typeof("orientation") or after.get("orientation") == 1
    assert after.get("exif-ifd0-ImageDescription").startswith("My grandmother")
    assert after.get("xmp-data") == XMP % b"1"
    assert load(desk.folder / "lying.jpg").get_typeof("jpeg-thumbnail-data")
    assert not after.get_typeof("jpeg-thumbnail-data")  # it is grey, and lies


def test_metadata_that_moves_nothing_stays_and_what_would_be_broken_goes(desk: Desk) -> None:
    image = load(SAMPLE).copy()
    image.set_type(pyvips.GValue.blob_type, "xmp-data", XMP % b"6")
    image.set_type(pyvips.GValue.blob_type, "iptc-data", b"\x1c\x02P\x00\x0eDorothea Lange")
    save(image, desk.folder / "in.tif")
    desk.colorize("in.tif", "-o", "out.tif")
    after = load(desk.folder / "out.tif")
    assert (after.width, after.height) == (image.width, image.height)
    assert after.get("xmp-data") == XMP % b"6"
    assert not after.get_typeof("iptc-data")


def test_alpha_is_kept_and_put_on_white_where_the_format_has_none(desk: Desk) -> None:
    grey = load(desk.grey("in.png"))
    save(grey.bandjoin(0).copy(interpretation="b-w"), desk.folder / "clear.png")
    desk.colorize("clear.png", "-o", "out.png")
    desk.colorize("clear.png", "-o", "out.jpg")
    png, jpg = (load(desk.folder / name).numpy() for name in ("out.png", "out.jpg"))
    assert png.shape[2] == 4
    assert png[..., 3].max() == 0
    assert jpg.min() > 250


def test_a_profile_is_understood_before_the_lightness_is_taken(desk: Desk) -> None:
    profile = pyvips.Image.profile_load("p3")
    image = load(SAMPLE).colourspace("srgb") * [1, 0.8, 0.5]
    image = image.cast("uchar").copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    save(image, desk.folder / "p3.png")
    desk.colorize("p3.png", "-o", "out.png", "--model", "grey")
    wanted = image.icc_transform("srgb", embedded=True).colourspace("lab")[0]
    found = load(desk.folder / "out.png").colourspace("lab")[0]
    assert (wanted - found).abs().avg() < 1


def test_a_profile_that_says_srgb_costs_no_rounding(desk: Desk) -> None:
    grey = load(desk.grey("in.png", bits=16))
    image = grey.bandjoin([grey, grey]).copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", other_srgb())
    save(image, desk.folder / "in.tif")
    desk.colorize("in.tif", "-o", "out.tif", "--model", "grey")
    assert np.array_equal(load(desk.folder / "out.tif").numpy(), image.numpy())


def test_several_photographs_go_to_a_folder(desk: Desk) -> None:
    photos = [desk.grey("a.png"), desk.grey("b.tif"), desk.grey("c.gif")]
    done = desk.run(*photos, "-o", "new folder")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (desk.folder / "new folder").glob("[!.]*")) == ["a.png", "b.tif", "c.png"]
    assert "3 coloured" in done.stderr


def test_one_broken_photograph_does_not_stop_the_others(desk: Desk) -> None:
    (desk.folder / "broken.jpg").write_bytes(SAMPLE.read_bytes()[:20000])
    done = desk.run("broken.jpg", desk.grey("fine.png"), "-o", "out")
    assert done.returncode == 1
    assert [path.name for path in (desk.folder / "out").glob("[!.]*")] == ["fine.png"]


def test_an_existing_result_is_kept_unless_told_otherwise(desk: Desk) -> None:
    source = desk.grey("in.png")
    (desk.folder / "out.png").write_text("mine")
    done = desk.run(source, "-o", "out.png")
    assert_one_sentence(done, "--overwrite")
    assert (desk.folder / "out.png").read_text() == "mine"
    desk.colorize(source, "-o", "out.png", "--overwrite")
    before = source.read_bytes()
    assert_one_sentence(desk.run(source, "-o", source, "--overwrite"), "take the place")
    assert source.read_bytes() == before


def test_models_are_listed_with_what_a_user_wants_to_know(desk: Desk) -> None:
    done = desk.run("models")
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "Thermometer" in lines["thermometer"]
    assert "0.4" in lines["thermometer"]
    assert "ignored" in lines["orange"]
    assert "MB" in lines["orange"]


def test_version_and_help_come_without_loading_anything(desk: Desk) -> None:
    assert desk.run("--version").stdout.strip().endswith(__version__)
    assert "--edge-guidance" in desk.run("--help").stdout
    command = [sys.executable, "-X", "importtime", "-m", "colorize_neural.cli", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in loaded
    assert not loaded & {"numpy", "cv2", "onnxruntime", "pyvips"}


def test_a_program_is_told_how_far_a_photograph_is(desk: Desk) -> None:
    with desk.started(desk.grey("in.png"), "-o", "out.png", "--progress") as process:
        told = [json.loads(line) for line in process.stdout or ()]
    assert process.returncode == 0
    fractions = [message["fraction"] for message in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)
    assert all(message["kind"] == "progress" and message["text"] for message in told)


def test_a_command_whose_program_is_killed_ends_in_mid_work(desk: Desk) -> None:
    with desk.started(desk.grey("in.png"), "-o", "out.png", "--model", "hours", "--progress") as process:
        assert process.stdout
        assert any(json.loads(line)["text"].startswith("Finding") for line in iter(process.stdout.readline, b""))
        assert process.stdin
        process.stdin.close()
        assert process.wait(timeout=20) == 1
    assert sorted(path.name for path in desk.folder.iterdir()) == ["in.png"]


def test_a_thumbnail_that_libvips_cannot_read_does_not_matter(desk: Desk) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (200, 300), np.uint8)
    write_scan(desk.folder / "scan.tif", grey)
    add_thumbnail(desk.folder / "scan.tif")
    done = desk.run("scan.tif", "-o", "out.png")
    assert done.returncode == 0, done.stderr
    L = lab_from_rgb(pyvips.Image.new_from_file(str(desk.folder / "out.png")).numpy()[..., :3] / np.float32(255))[
        ..., 0
    ]
    wanted = lab_from_rgb(np.repeat(grey[..., None], 3, axis=2) / np.float32(255))[..., 0]
    assert np.abs(L - wanted).mean() < 0.5


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%b"/></rdf:RDF></x:xmpmeta>'
)
BAD_INPUT = {
    "no such file": (["nothing.jpg", "-o", "out.png"], "check the name"),
    "a pattern that matches nothing": (["scans/*.tif", "-o", "both"], "check the name"),
    "not an image": (["text.jpg", "-o", "out.png"], "cannot be read"),
    "a truncated JPEG": (["cut.jpg", "-o", "out.png"], "ends in the middle"),
    "a truncated TIFF": (["cut.tif", "-o", "out.png"], "ends in the middle"),
    "a truncated TIFF with a thumbnail": (["cut-too.tif", "-o", "out.png"], "ends in the middle"),
    "0 bytes": (["empty.jpg", "-o", "out.png"], "0 bytes"),
    "an unknown model": (["in.png", "-o", "out.png", "--model", "nobody"], "orange, grey"),
    "an unknown model for several": (["in.png", "in2.png", "-o", "out", "--model", "nobody"], "orange, grey"),
    "a photograph whose white is unknown": (["float.tif", "-o", "out.png"], "8 or 16 bits"),
    "a temperature out of range": (["in.png", "-o", "out.png", "--temperature", "7"], "from 0.05 to 1"),
    "a temperature that is no number": (["in.png", "-o", "out.png", "--temperature", "warm"], "--help"),
    "a format that is not written": (["in.png", "-o", "out.xyz"], ".png"),
    "a result without a folder": (["in.png", "-o", "nowhere/out.png"], "no folder"),
    "a file for several": (["in.png", "in2.png", "-o", "text.jpg"], "need a folder"),
    "the same result twice": (["in.png", "sub/in.png", "-o", "both"], "Several photographs"),
    "the progress of several": (["in.png", "in2.png", "-o", "both", "--progress"], "for one photograph"),
    "a result that the format cannot hold": (["wide.png", "-o", "out.webp"], "choose PNG or TIFF"),
    "a result in the place of a link to nothing": (["in.png", "-o", "away.png"], "--overwrite"),
    "no photograph": (["-o", "out.png"], "--help"),
    "a photograph without a name": (["", "-o", "out"], "is empty"),
    "a result without a name": (["in.png", "-o", ""], "is empty"),
    "a dry run without a model": (["in.png", "-o", "out.png", "--dry-run", "--model", "nobody"], "orange, grey"),
    "the progress of a dry run": (["in.png", "-o", "out.png", "--dry-run", "--progress"], "leave one"),
    "a dry run of what cannot be done": (["in.png", "-o", "nowhere", "--dry-run"], "make the folder first"),
    "a folder that cannot be made": (["in.png", "in2.png", "-o", "text.jpg/below"], "cannot be made"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_leaves_no_file(desk: Desk, case: str) -> None:
    (desk.folder / "text.jpg").write_text("I am no photograph.")
    (desk.folder / "cut.jpg").write_bytes(SAMPLE.read_bytes()[:30000])
    scan = desk.folder / "cut.tif"
    write_scan(scan, np.zeros((200, 300), np.uint8))
    scan.write_bytes(scan.read_bytes()[:40000])
    shutil.copy(scan, desk.folder / "cut-too.tif")
    add_thumbnail(desk.folder / "cut-too.tif")
    (desk.folder / "empty.jpg").touch()
    (desk.folder / "away.png").symlink_to(desk.folder / "a disk that is away" / "a.png")
    save(pyvips.Image.black(17_000, 8).copy(interpretation="b-w"), desk.folder / "wide.png")
    save(pyvips.Image.new_from_array(np.ones((9, 9), np.float32)), desk.folder / "float.tif")
    (desk.folder / "sub").mkdir()
    desk.grey("in.png")
    shutil.copy(desk.folder / "in.png", desk.folder / "in2.png")
    shutil.copy(desk.folder / "in.png", desk.folder / "sub")
    before = sorted(desk.folder.rglob("*"))
    arguments, words = BAD_INPUT[case]
    assert_one_sentence(desk.run(*arguments), words)
    assert sorted(desk.folder.rglob("*")) == before


def test_a_photograph_that_memory_cannot_hold_is_a_sentence(desk: Desk) -> None:
    save(pyvips.Image.black(9_000, 9_000, bands=3).copy(interpretation="srgb"), desk.folder / "huge.png")
    script = (
        "import resource, sys; from colorize_neural.worker import photos; photos.use_threads(1);"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize();"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20), resource.RLIM_INFINITY));"
        "photos.read_photograph(__import__('pathlib').Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(desk.folder / "huge.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("close other programs, or make it smaller.")


def test_a_damaged_model_is_a_sentence(desk: Desk) -> None:
    models = make_models(desk.folder / "models", ["orange"])
    with (models / "orange.onnx").open("ab") as file:
        file.write(b"!")
    assert_one_sentence(desk.run(desk.grey("in.png"), "-o", "out.png", models=models), "damaged")


def test_a_missing_models_folder_is_a_sentence(desk: Desk) -> None:
    done = desk.run(desk.grey("in.png"), "-o", "out.png", models=desk.folder / "gone")
    assert_one_sentence(done, "install.py")


def test_a_full_disk_is_a_sentence_and_leaves_no_file(desk: Desk) -> None:
    with small_disk(desk.folder / "small", "64k") as disk:
        done = desk.run(SAMPLE, "-o", disk / "out.png")
        assert_one_sentence(done, "could not be written")
        assert list(disk.iterdir()) == []


def other_srgb() -> bytes:
    """sRGB with a red that differs in the fourth digit, as no two programs' own sRGB are quite the same."""
    profile = bytes(pyvips.Image.profile_load("srgb"))
    entry = profile.index(b"rXYZ")  # the tag's name, its place, its size; X is its third number
    x = int.from_bytes(profile[entry + 4 : entry + 8], "big") + 8
    red = int.from_bytes(profile[x : x + 4], "big") + 8
    return profile[:x] + red.to_bytes(4, "big") + profile[x + 4 :]


def assert_one_sentence(done: Done, words: str) -> None:
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert words in sentence
    assert done.stdout == ""
