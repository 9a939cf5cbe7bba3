"""Folders of photographs in real GIMPs: every format, broken ones, a run that is killed, and what is left alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
from colorize_neural.journal import LOCK, NAME

from tests.archives import closed, contents, finished, is_coloured
from tests.gimp.desk import FILE, FOLDER_TITLE, MESSAGE, NO_IMAGE, Desk, Dialog, eventually
from tests.gimp.gimps import Gimp, Photo
from tests.pixel_files import lasting_pixel_files
from tests.processes import below, command_of
from tests.tiffs import write_scan
from tests.tiny_models import make_models

PHOTO = Photo(base="GRAY", canvas=(60, 40), offsets=(0, 0))
#   the first photograph of a kind: how many there are of it
KINDS = {
    "1904/june/0.xcf": 23,
    "1904/0.psd": 3,
    "Zoë's %20 #1/0.tif": 4,
    "1904/0.xcf.gz": 1,
    "0.png": 5,
    "1904/0.JPG": 4,
    "0.webp": 1,
    "drawn/0.gif": 2,
    "0.bmp": 1,
}
#   a broken photograph: the one that it was, of which this much is left
BROKEN = {
    "broken/empty.jpg": ("1904/0.JPG", 0),
    "broken/empty.xcf": ("1904/june/0.xcf", 0),
    "broken/cut.xcf": ("1904/june/0.xcf", 0.4),
    "broken/cut.png": ("0.png", 0.4),
    "broken/cut.jpg": ("1904/0.JPG", 0.4),
    "broken/text.tif": ("NOTES", 1),
}


@pytest.fixture(scope="session")
def scans(gimp: Gimp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """50 photographs, some of them broken."""
    folder = tmp_path_factory.mktemp("folder") / "scans"
    for first, count in KINDS.items():
        (folder / first).parent.mkdir(parents=True, exist_ok=True)
        with gimp.image(PHOTO) as image:
            image.do("save", path=str(folder / first))
        for number in range(1, count):
            shutil.copy(folder / first, (folder / first).with_stem(str(number)))
    (folder / "NOTES").write_text("The mill.")
    (folder / "broken").mkdir()
    for name, (whole, share) in BROKEN.items():
        content = (folder / whole).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])
    assert len(list(folder.rglob("*.*"))) == 50
    return folder


@pytest.fixture
def drawer(scans: Path, tmp_path: Path) -> Path:
    """A small folder: 0.xcf, 1.xcf, 2.xcf."""
    folder = tmp_path / "drawer"
    folder.mkdir()
    for number in range(3):
        shutil.copy(scans / "1904/june/0.xcf", folder / f"{number}.xcf")
    return folder


def expected(scans: Path) -> set[str]:
    """The names of the results."""
    names = {path.relative_to(scans).as_posix() for path in scans.rglob("*.*")} - {*BROKEN}
    return {re.sub(r"\.(xcf\.gz|gif|bmp)$", ".xcf", name) for name in names}


def names_in(gimp: Gimp, file: Path) -> list[str]:
    return [layer["name"] for layer in gimp.ask("layers_in", path=str(file))]


def has_orange_on_top(gimp: Gimp, file: Path) -> bool:
    top = gimp.ask("layers_in", path=str(file))[0]
    red, _, blue, _ = np.frombuffer(top["pixels"], np.float32).reshape(-1, 4).mean(axis=0)
    return bool(red > blue + 0.1)


def test_a_folder_of_all_formats_is_coloured_by_one_worker_and_then_done(
    gimp: Gimp, scans: Path, tmp_path: Path
) -> None:
    folders = {"folder": str(scans), "out": str(tmp_path / "out")}
    gimp.send("colorize_folder", **folders)
    workers = set()
    while not gimp.has_answered():
        workers |= set(gimp.workers())
    status, said, _ = gimp.answer()
    assert (status, len(workers)) == ("execution-error", 1)
    assert said.startswith("44 coloured in ") and "6 failed." in said
    assert all(str(scans / name) in said for name in BROKEN)
    assert said.endswith("\nOther files were left alone: 1 without a suffix.")
    results = contents(tmp_path / "out")
    assert set(results) == expected(scans)
    for kind in (".tif", ".png", ".JPG", ".webp"):
        assert all(is_coloured(content) for name, content in results.items() if name.endswith(kind))
    for name in ("1904/june/0.xcf", "1904/1.psd", "drawn/1.xcf", "0.xcf"):
        assert len(names_in(gimp, tmp_path / "out" / name)) == 2
        assert has_orange_on_top(gimp, tmp_path / "out" / name)
    status, said, _ = gimp.ask("colorize_folder", **folders)
    assert status == "execution-error"
    assert "0 coloured" in said and "44 were done before, 6 failed." in said
    assert contents(tmp_path / "out") == results
    assert not lasting_pixel_files()


def test_a_killed_run_leaves_nothing_half_written_and_is_resumed(gimp: Gimp, scans: Path, tmp_path: Path) -> None:
    folders = {"folder": str(scans / "1904" / "june"), "out": str(tmp_path / "out")}
    gimp.send("colorize_folder", **folders)
    while len(finished(tmp_path / "out")) < 3:
        time.sleep(0.005)
    (plug_in,) = (process for process in below(gimp.process.pid) if "colorize-neural.py" in command_of(process))
    os.kill(plug_in, signal.SIGKILL)
    assert gimp.answer()[0] != "success"
    done = finished(tmp_path / "out")
    assert 3 <= len(done) < 23
    assert all(has_orange_on_top(gimp, tmp_path / "out" / name) for name in done)
    status, said, counts = gimp.ask("colorize_folder", **folders)
    assert (status, said) == ("success", "success")
    assert sum(counts) == 23 and counts[1] in (len(done), len(done) - 1)
    assert len(contents(tmp_path / "out")) == 23
    assert not gimp.workers() and not lasting_pixel_files()


def test_options_that_change_colour_anew_and_what_is_not_ours_stays(gimp: Gimp, drawer: Path, tmp_path: Path) -> None:
    folders = {"folder": str(drawer), "out": str(tmp_path / "out")}
    out = tmp_path / "out"
    out.mkdir()
    (out / "1.xcf").write_text("mine")
    status, said, _ = gimp.ask("colorize_folder", **folders)
    assert status == "execution-error" and "move it away, or choose to overwrite" in said
    (out / "1.xcf").unlink()
    assert gimp.ask("colorize_folder", **folders)[2] == [1, 2]
    assert gimp.ask("colorize_folder", **folders, output="replace", strength=0.5)[2] == [3, 0]
    assert names_in(gimp, out / "1.xcf") == ["photo"]
    (out / "1.xcf").write_text("mine")
    assert gimp.ask("colorize_folder", **folders, overwrite=True)[2] == [3, 0]
    assert names_in(gimp, out / "1.xcf") == ["Orange", "photo"]


@pytest.mark.parametrize(
    ("output", "names"),
    [("color-layer", ["Orange", "photo", "paper"]), ("layer", ["Orange", "photo", "paper"]), ("replace", ["paper"])],
)
def test_a_photograph_of_several_layers_is_coloured_as_it_is_seen(
    gimp: Gimp, tmp_path: Path, output: str, names: list[str]
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    with gimp.image(replace(PHOTO, alpha=True, size=(30, 40), selection=(0, 0, 5, 5))) as image:
        image.do("arrange", what="on white")
        image.do("save", path=str(scans / "a.xcf"))
    assert gimp.ask("colorize_folder", folder=str(scans), out=str(out), output=output)[0] == "success"
    layers = gimp.ask("layers_in", path=str(out / "a.xcf"))
    assert [layer["name"] for layer in layers] == names
    assert layers[0]["size"] == (60, 40)
    assert has_orange_on_top(gimp, out / "a.xcf")


def test_a_photograph_whose_camera_was_turned_comes_out_upright(gimp: Gimp, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    photo = pyvips.Image.black(64, 48).copy()
    photo.set_type(pyvips.GValue.gint_type, "orientation", 6)
    for name in ("a.jpg", "b.tif"):
        photo.write_to_file(str(scans / name))
    assert gimp.ask("colorize_folder", folder=str(scans), out=str(out))[2] == [2, 0]
    for name in ("a.jpg", "b.tif"):
        result = pyvips.Image.new_from_file(str(out / name))
        assert (result.width, result.height, result.get("orientation")) == (48, 64, 1)


@pytest.mark.parametrize("name", ["a.jpg", "a.gif", "a.tif"])
def test_a_photograph_that_ends_in_the_middle_fails_though_gimp_opens_it(gimp: Gimp, tmp_path: Path, name: str) -> None:
    photo = tmp_path / "scans" / name
    photo.parent.mkdir()
    grey = np.random.default_rng(0).integers(0, 255, (200, 300), np.uint8)
    if name.endswith(".tif"):  # libvips would write the directory last, without which GIMP opens nothing
        write_scan(photo, grey)
    else:
        pyvips.Image.new_from_array(grey).write_to_file(str(photo))
    photo.write_bytes(photo.read_bytes()[:-5000])
    assert gimp.ask("layers_in", path=str(photo))[0]["size"] == (300, 200)
    status, said, _ = gimp.ask("colorize_folder", folder=str(photo.parent), out=str(tmp_path / "out"))
    assert status == "execution-error" and f"{photo} is damaged or ends in the middle" in said
    assert not contents(tmp_path / "out")


def test_what_keeps_all_photographs_from_being_coloured_is_one_sentence(
    gimp: Gimp, drawer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for folder, made, words in (("nowhere", "out", "check the name"), ("drawer", "drawer/0.xcf", "is a file")):
        status, said, _ = gimp.ask("colorize_folder", folder=str(tmp_path / folder), out=str(tmp_path / made))
        assert status == "execution-error" and words in said
    with gimp.told(models=tmp_path / "models"):
        status, said, _ = gimp.ask("colorize_folder", folder=str(drawer), out=str(out))
    assert status == "execution-error" and said.endswith("install.py again.") and "\n" not in said
    assert {path.name for path in out.iterdir()} == {NAME, LOCK}


@pytest.mark.parametrize("wanted", ["xcf", "psd", "png", "tiff", "jpeg", "webp"])
def test_results_have_the_format_that_is_wanted(gimp: Gimp, scans: Path, tmp_path: Path, wanted: str) -> None:
    mixed, out = tmp_path / "mixed", tmp_path / "out"
    mixed.mkdir()
    with gimp.image(replace(PHOTO, precision="FLOAT_LINEAR")) as image:
        image.do("save", path=str(mixed / "a.xcf"))
    for name, photo in (("b.jpg", "1904/0.JPG"), ("c.png", "0.png"), ("d.xcf.gz", "1904/0.xcf.gz")):
        shutil.copy(scans / photo, mixed / name)
    assert gimp.ask("colorize_folder", folder=str(mixed), out=str(out), format=wanted)[2] == [4, 0]
    assert {*contents(out)} == {f"{name}.{wanted}" for name in "abcd"}
    for file in out.glob(f"*.{wanted}"):
        assert has_orange_on_top(gimp, file)
        assert len(names_in(gimp, file)) == (2 if wanted in ("xcf", "psd") else 1)


def test_where_a_format_has_no_transparency_there_is_white(gimp: Gimp, tmp_path: Path) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    with gimp.image(replace(PHOTO, alpha=True, size=(30, 40))) as image:
        image.do("save", path=str(scans / "a.xcf"))
    gimp.ask("choose_background", color="blue")
    assert gimp.ask("colorize_folder", folder=str(scans), out=str(out), format="jpeg")[2] == [1, 0]
    assert pyvips.Image.new_from_file(str(out / "a.jpeg"))(50, 20) == [255, 255, 255]
    assert gimp.ask("background") == pytest.approx([0, 0, 1, 1])  # babl converts in the way that it finds fastest


def test_a_report_tells_what_became_of_each_photograph(gimp: Gimp, drawer: Path, tmp_path: Path) -> None:
    (drawer / "1.xcf").write_text("broken")
    chosen = {"folder": str(drawer), "out": str(tmp_path / "out"), "report": str(tmp_path / "report.json")}
    assert gimp.ask("colorize_folder", **chosen)[0] == "execution-error"
    told = json.loads((tmp_path / "report.json").read_text())
    assert [(entry["photo"], entry["status"]) for entry in told["photographs"]] == [
        (str(drawer / "0.xcf"), "done"),
        (str(drawer / "1.xcf"), "failed"),
        (str(drawer / "2.xcf"), "done"),
    ]
    assert told["how"]["output"] == "color-layer"
    chosen |= {"out": str(tmp_path / "other"), "report": str(tmp_path / "nowhere" / "report.json")}
    status, said, _ = gimp.ask("colorize_folder", **chosen)
    assert status == "execution-error" and said.startswith(f"There is no folder {tmp_path / 'nowhere'}")
    assert not (tmp_path / "other").exists()


def test_names_that_are_no_text_are_names_too(gimp: Gimp, scans: Path, tmp_path: Path) -> None:
    drawer, out = tmp_path / os.fsdecode(b"\xe9t\xe9"), tmp_path / os.fsdecode(b"\xe9")
    drawer.mkdir()
    good, broken = os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"br\xfbl\xe9.png")
    shutil.copy(scans / "1904" / "0.JPG", drawer / good)
    (drawer / broken).write_text("broken")
    status, said, _ = gimp.ask("colorize_folder", folder=str(drawer), out=str(out))
    assert status == "execution-error"
    assert said.startswith("1 coloured in ") and r"br\udcfbl\udce9.png" in said
    assert [*contents(out)] == [good]
    assert is_coloured((out / good).read_bytes())


def test_what_is_no_photograph_any_more_is_told_and_the_others_are_coloured(
    gimp: Gimp, drawer: Path, tmp_path: Path
) -> None:
    os.mkfifo(drawer / "pipe.png")
    (drawer / "loop.png").symlink_to("loop.png")
    (drawer / "again").symlink_to(drawer)
    (drawer / "secret.xcf").symlink_to(tmp_path / "closed" / "0.xcf")
    with closed(drawer / "private"), closed(tmp_path / "closed"):
        status, said, _ = gimp.ask("colorize_folder", folder=str(drawer), out=str(tmp_path / "out"))
    assert status == "execution-error" and "3 coloured" in said and "4 failed" in said
    for sentence in (
        f"The folder {drawer / 'private'} cannot be read (Permission denied)",
        f"There is no file or folder {drawer / 'loop.png'}",
        f"{drawer / 'pipe.png'} is no file",
        f"{drawer / 'secret.xcf'} cannot be read (Permission denied)",
    ):
        assert f"\n{sentence}" in said
    assert "unexpected" not in said


def test_a_photograph_that_is_taken_away_in_mid_run_does_not_stop_it(gimp: Gimp, scans: Path, tmp_path: Path) -> None:
    june = shutil.copytree(scans / "1904" / "june", tmp_path / "june")
    gimp.send("colorize_folder", folder=str(june), out=str(tmp_path / "out"))
    while not finished(tmp_path / "out"):
        time.sleep(0.005)
    (june / "9.xcf").unlink()  # the last one
    status, said, _ = gimp.answer()
    assert status == "execution-error" and said.startswith("22 coloured")
    assert f"There is no file or folder {june / '9.xcf'}" in said


def dialog_of(desk: Desk, drawer: Path, out: Path) -> Dialog:
    """The dialog, with both folders chosen."""
    out.mkdir()
    dialog = desk.dialog(desk.screen.wait_for(NO_IMAGE), FILE, FOLDER_TITLE)
    can_be_pressed = [dialog.do("is_sensitive", widget="ok")]
    for widget, path in (("folder", drawer), ("out", out)):
        dialog.do("choose", widget=widget, path=str(path))
        can_be_pressed.append(dialog.do("is_sensitive", widget="ok"))
    assert can_be_pressed in ([False, False, True], [True, True, True])  # remembered from a run before
    return dialog


def test_the_dialog_is_in_the_file_menu_without_an_image(
    desk: Desk, drawer: Path, tmp_path: Path, gimp_version: str
) -> None:
    dialog = dialog_of(desk, drawer, tmp_path / "out")
    assert ("From papers, to compare", False) in dialog.do("rows", widget="model")
    dialog.do("give", widget="model", value="thermometer")
    assert eventually(lambda: dialog.do("value", widget="temperature") == pytest.approx(0.4))  # the model's own
    desk.screen.screenshot(f"folder-{gimp_version}")
    dialog.do("give", widget="model", value="orange")
    assert eventually(lambda: not dialog.do("is_sensitive", widget="temperature"))
    dialog.do("respond", button="OK")
    box = desk.screen.wait_for(MESSAGE)
    desk.screen.screenshot(f"folder-done-{gimp_version}")
    desk.screen.press(box, "Return")
    assert len(contents(tmp_path / "out")) == 3


def test_cancel_ends_the_run_and_leaves_nothing_behind(
    desk: Desk, drawer: Path, tmp_path: Path, gimp_version: str
) -> None:
    slow = make_models(tmp_path, ["hours"])
    manifest = slow / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"id": "hours"', '"id": "orange"'))
    with desk.gimp.told(models=slow):
        dialog_of(desk, drawer, tmp_path / "out").do("respond", button="OK")
        assert desk.gimp.wait_for_workers()
        time.sleep(2)  # into the network
        desk.screen.screenshot(f"folder-progress-{gimp_version}")
        desk.screen.click_cancel(desk.screen.wait_for(NO_IMAGE))
        assert eventually(lambda: not desk.gimp.workers())
    assert not contents(tmp_path / "out") and not lasting_pixel_files()
