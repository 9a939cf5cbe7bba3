"""Folders of photographs, as users colour them: a process of its own, real files, killed and resumed."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips
from colorize_neural.batch import Batch, attempt
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import Kinds, Task, plan
from colorize_neural.journal import NAME, Journal, results_in
from colorize_neural.progress import TerminalProgress
from colorize_neural.worker import photos
from colorize_neural.worker.cores import cores

from tests.absence import absent
from tests.archives import Archive, begun, closed, contents, finished, is_coloured
from tests.disks import small_disk


def test_a_folder_comes_out_coloured_with_its_names_and_folders(archive: Archive) -> None:
    for name in ("a.png", "1904/mill.tif", "1904/june/mill.jpg", "1904/june/two.gif"):
        archive.add(name)
    (archive.scans / "1904" / "notes.txt").write_text("The mill.")
    (archive.scans / ".trash").mkdir()
    shutil.copy(archive.scans / "a.png", archive.scans / ".trash")
    assert "4 coloured" in archive.colorize()
    results = archive.results()
    assert list(results) == ["1904/june/mill.jpg", "1904/june/two.png", "1904/mill.tif", "a.png"]
    assert all(map(is_coloured, results.values()))


def test_a_photograph_of_many_comes_out_as_it_does_alone(archive: Archive) -> None:
    photo = archive.add("a.png", side=700)
    archive.colorize()
    archive.run(photo, "-o", archive.folder / "alone.png")
    assert archive.results()["a.png"] == (archive.folder / "alone.png").read_bytes()


def test_files_and_folders_can_be_mixed_and_the_format_chosen(archive: Archive) -> None:
    inside, alone = archive.add("sub/a.png"), archive.add("b.png")
    done = archive.run(inside.parent, alone, "-o", archive.out, "--format", "jpeg")
    assert done.returncode == 0, done.stderr
    assert list(archive.results()) == ["a.jpeg", "b.jpeg"]


def test_what_is_done_is_skipped_until_photograph_or_options_change(archive: Archive) -> None:
    archive.add("a.png")
    photo = archive.add("b.png")
    archive.colorize()
    before = archive.results()
    assert "0 coloured" in archive.colorize()
    shutil.copy(archive.add("c.png"), photo)
    assert "2 coloured" in (said := archive.colorize())
    assert "1 were done before" in said
    after = archive.results()
    assert after["a.png"] == before["a.png"]
    assert after["b.png"] == after["c.png"] != before["b.png"]
    assert "3 coloured" in archive.colorize("--strength", "0.5")
    assert "3 coloured" in archive.colorize("--strength", "0.5", "--overwrite")
    assert "3 were done before" in archive.colorize("--strength", "0.5", "--device", "cpu")


def test_files_that_the_user_made_or_changed_are_left_alone(archive: Archive) -> None:
    for name in ("a.png", "b.png", "c.png"):
        archive.add(name)
    archive.out.mkdir()
    (archive.out / "a.png").write_text("mine")
    assert archive.run().returncode == 1
    (archive.out / "b.png").write_text("retouched")
    done = archive.run(archive.scans, "-o", archive.out, "--warmth", "1")
    assert done.returncode == 1
    assert done.stderr.count("move it away, or choose to overwrite") == 2
    results = archive.results()
    assert (results["a.png"], results["b.png"]) == (b"mine", b"retouched")
    archive.colorize("--overwrite")
    assert all(map(is_coloured, archive.results().values()))


def test_a_result_that_the_user_changed_is_done_and_stays(archive: Archive) -> None:
    for name in ("a.png", "b.png"):
        archive.add(name)
    archive.colorize()
    (archive.out / "b.png").write_text("retouched")
    said = archive.colorize("--report", archive.report, "--device", "cpu")
    assert "2 were done before" in said
    assert f"{archive.out / 'b.png'} was changed since it was made, and stays as it is." in said
    assert [*noted(archive)] == [str(archive.scans / "b.png")]
    assert archive.results()["b.png"] == b"retouched"


@pytest.mark.parametrize("harm", ["it is empty", "a link is there", "an older file is there"])
def test_a_result_that_is_lost_is_not_done(archive: Archive, harm: str) -> None:
    archive.add("a.png")
    archive.colorize()
    result = archive.out / "a.png"
    if harm == "it is empty":
        result.write_bytes(b"")
    elif harm == "a link is there":
        result.unlink()
        result.symlink_to(archive.folder / "away")
    else:
        result.write_text("mine, and older than what was to replace it")
        os.utime(result, (1, 1))
    done = archive.run()
    assert done.returncode == 1
    assert "is there and not as this program left it" in done.stderr


@pytest.mark.parametrize("grain", [100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000])
def test_results_whose_times_a_copy_has_cut_are_done(archive: Archive, grain: int) -> None:
    archive.add("a.png")
    archive.colorize()
    for file in (archive.scans / "a.png", archive.out / "a.png"):
        cut = file.stat().st_mtime_ns // grain * grain
        os.utime(file, ns=(cut, cut))
    assert "1 were done before" in archive.colorize()


def test_a_file_of_the_same_size_and_another_time_is_another(archive: Archive) -> None:
    archive.add("a.png")
    archive.colorize()
    file = archive.out / "a.png"
    other = file.stat().st_mtime_ns - 1_000_000_001 | 1
    os.utime(file, ns=(other, other))
    assert "not as this program left it" in archive.run().stderr


@pytest.mark.parametrize("opened", [os.pipe, pty.openpty], ids=["pipe", "terminal"])
def test_a_reader_that_goes_away_keeps_no_photograph_from_its_colours(
    archive: Archive, opened: Callable[[], tuple[int, int]]
) -> None:
    archive.add("b.png")
    (archive.scans / "a.png").write_bytes(b"I am no photograph.")
    reader, writer = opened()
    os.close(reader)
    process = archive.command(archive.scans, "-o", archive.out, "--report", archive.report, stderr=writer)
    os.close(writer)
    process.communicate()
    assert process.returncode == 1
    assert list(archive.results()) == ["b.png"]
    assert json.loads(archive.report.read_text())["failed"] == 1


def test_names_that_a_disk_takes_for_one_are_one_result(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "A.PNG"):
        archive.add(name)
    kinds = Kinds([".png"], lambda photo: photo.suffix)
    assert len(plan([archive.scans], archive.out, kinds, results_in)) == 2
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ColorizeError, match="same file"):
        plan([archive.scans], archive.out, kinds, results_in)


def test_a_run_does_not_sweep_what_another_command_writes(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph = photos.read_photograph(archive.add("a.png"))
    save = photos.save_photograph

    def save_beside_a_run(*arguments: Any) -> None:
        save(*arguments)
        with Journal(archive.out).held([archive.out]):
            pass

    monkeypatch.setattr(photos, "save_photograph", save_beside_a_run)
    archive.out.mkdir()
    photos.write_photograph(photograph, archive.out / "b.png")
    assert list(archive.results()) == ["b.png"]


def test_what_is_lost_of_a_photograph_is_in_the_report(archive: Archive) -> None:
    archive.add("a.png")
    page = pyvips.Image.new_from_file(str(archive.scans / "a.png"))
    both = page.join(page, "vertical").copy()
    both.set_type(pyvips.GValue.gint_type, "page-height", page.height)
    both.write_to_file(str(archive.scans / "pages.tif"))
    archive.colorize("--report", archive.report, "--device", "cpu")
    photo = str(archive.scans / "pages.tif")
    assert noted(archive) == {photo: [f"{photo} has 2 pages: only the first one was coloured."]}


def noted(archive: Archive) -> dict[str, list[str]]:
    """What the report notes of photographs."""
    entries = json.loads(archive.report.read_text())["photographs"]
    return {entry["photo"]: entry["notes"] for entry in entries if "notes" in entry}


def test_a_killed_run_is_resumed_and_no_one_can_tell(archive: Archive) -> None:
    names = [f"{number:02}.png" for number in range(24)]
    for name in names:
        archive.add(name, side=300)
    archive.colorize()
    whole = archive.results()
    shutil.rmtree(archive.out)
    kills = 0
    while len(done := finished(archive.out)) < len(names):
        process = archive.command(archive.scans, "-o", archive.out, "--jobs", "2")
        while process.poll() is None and finished(archive.out) <= done:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        kills += 1
        seen = {name: file for name, file in archive.results().items() if not name.startswith(".")}
        assert seen.items() <= whole.items()
    assert kills > 2
    assert "24 were done before" in archive.colorize()
    assert archive.results() == whole
    lines = [json.loads(line) for line in (archive.out / NAME).read_text().splitlines() if line.endswith("}")]
    assert len(lines) - len(names) <= kills * 2  # what is noted and did not get its name is done once more


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_a_sentence_and_goes_on_later(archive: Archive, wanted: signal.Signals) -> None:
    for number in range(20):
        archive.add(f"{number}.png", side=500)
    report = archive.folder / "report.json"
    process = archive.command(archive.scans, "-o", archive.out, "--jobs", "1", "--report", report)
    begun(process, archive.out)
    process.send_signal(wanted)
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    assert "goes on where this one stopped" in errors
    told = json.loads(report.read_text())
    assert told["left"] == 20 - told["done"] > 0
    assert "Stopped" in told["stopped"]
    assert len({entry["photo"] for entry in told["photographs"]}) == 20
    assert not [name for name in archive.results() if name.startswith(".")]
    archive.colorize()
    assert len(archive.results()) == 20


def test_broken_photographs_are_told_of_and_the_others_go_on(archive: Archive) -> None:
    fine, cut = archive.add("fine.png"), archive.add("cut.jpg", side=400)
    cut.write_bytes(cut.read_bytes()[:3000])
    (archive.scans / "empty.tif").touch()
    (archive.scans / "loop.png").symlink_to(archive.scans / "loop.png")
    report = archive.folder / "report.json"
    done = archive.run(archive.scans, "-o", archive.out, "--report", report)
    assert done.returncode == 1
    told = json.loads(report.read_text())
    assert (told["done"], told["skipped"], told["failed"]) == (1, 0, 3)
    entries = {Path(entry["photo"]).name: entry for entry in told["photographs"]}
    assert entries[fine.name]["result"] == str(archive.out / "fine.png")
    assert {name: entry["why"] for name, entry in entries.items() if entry["status"] == "failed"}.keys() == {
        *("cut.jpg", "empty.tif", "loop.png")
    }
    assert all(entry["why"] in done.stderr.splitlines() for entry in entries.values() if "why" in entry)
    assert list(archive.results()) == ["fine.png"]


def test_ten_thousand_empty_files_are_ten_thousand_sentences(archive: Archive) -> None:
    archive.scans.mkdir()
    for number in range(10_000):
        (archive.scans / f"{number}.tif").touch()
    done = archive.run()
    assert done.returncode == 1
    assert done.stderr.count("is empty (0 bytes)") == 10_000
    assert "0 coloured" in done.stderr
    assert archive.results() == {}


def test_a_photograph_that_vanishes_in_mid_run_is_a_sentence(archive: Archive) -> None:
    for number in range(20):
        archive.add(f"{number:02}.png", side=400)
    process = archive.command(archive.scans, "-o", archive.out, "--jobs", "1")
    begun(process, archive.out)
    (archive.scans / "19.png").unlink()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "19.png: check the name" in errors
    assert "19 coloured" in errors


def test_a_link_in_a_circle_and_results_among_the_scans_end_well(archive: Archive) -> None:
    archive.add("sub/a.png")
    (archive.scans / "sub" / "again").symlink_to(archive.scans)
    (archive.scans / "first").symlink_to(archive.scans / "sub")
    archive.out = archive.scans / "coloured"
    assert "1 coloured" in archive.colorize()
    assert "1 were done before" in archive.colorize()
    assert list(archive.results()) == ["sub/a.png"]
    done = archive.run(archive.scans, "-o", archive.folder / "another")
    assert "1 coloured" in done.stderr
    assert f"{archive.out} was left alone with all in it, for it holds results." in done.stderr
    shutil.rmtree(archive.scans / "sub")
    done = archive.run(archive.scans, "-o", archive.folder / "a third")
    assert "but in folders of results" in done.stderr


def test_photographs_that_lie_where_the_results_go_are_told_of(archive: Archive) -> None:
    archive.add("a.png")
    archive.add("1946/b.png")
    archive.add("1946/jazz/c.png")
    told = f"Left alone: 2 photographs in {archive.scans / '1946'}, where the results go."
    for more in (["--dry-run"], []):
        done = archive.run(archive.scans, "-o", archive.scans / "1946", *more)
        assert done.returncode == 0
        assert told in done.stderr
    again = archive.run(archive.scans, "-o", archive.scans / "1946")
    assert "1 were done before" in again.stderr
    assert told in again.stderr
    assert told not in archive.run(archive.scans, "-o", archive.out).stderr


def test_a_photograph_where_the_results_go_is_never_replaced(archive: Archive) -> None:
    archive.add("a.png")
    original = archive.add("1946/a.png")
    before = original.read_bytes()
    done = archive.run(archive.scans, "-o", archive.scans / "1946", "--overwrite")
    assert done.returncode == 1
    assert "is one of the photographs: name another folder for the results." in done.stderr
    assert original.read_bytes() == before


@pytest.mark.parametrize("way", ["below the scans", "by a link"])
def test_a_photograph_where_the_results_go_is_not_replaced_by_a_later_run(archive: Archive, way: str) -> None:
    archive.add("a.png")
    original = archive.add("1946/b.png")
    before = original.read_bytes()
    if way == "by a link":
        original = original.parent.rename(archive.folder / "elsewhere") / "b.png"
        (archive.scans / "more").symlink_to(original.parent)
    out = original.parent
    assert archive.run(archive.scans, "-o", out).returncode == 0
    archive.add("b.png")
    for _ in range(2):
        done = archive.run(archive.scans, "-o", out, "--overwrite")
        assert done.returncode == 1
        assert "is one of the photographs: name another folder for the results." in done.stderr
        assert original.read_bytes() == before


def test_photographs_that_all_lie_where_the_results_go_are_told_of(archive: Archive) -> None:
    archive.add("1946/a.png")
    done = archive.run(archive.scans, "-o", archive.scans / "1946")
    assert done.returncode == 1
    assert "Left alone: 1 photograph in" in done.stderr
    (archive.folder / "none").mkdir()
    done = archive.run("none", archive.scans, "-o", archive.scans / "1946")
    assert done.returncode == 1
    assert "no photograph in none" in done.stderr


def test_a_temperature_of_0_is_the_models_own(archive: Archive) -> None:
    archive.add("a.png")
    archive.colorize()
    assert "1 were done before" in archive.colorize("--temperature", "0")


def test_a_link_to_another_disk_is_followed_and_one_that_dangles_is_no_free_place(archive: Archive) -> None:
    archive.add("a.png")
    (archive.folder / "disk").mkdir()
    archive.add("b.png").rename(archive.folder / "disk" / "b.png")
    (archive.scans / "more").symlink_to(archive.folder / "disk")
    archive.out.mkdir()
    (archive.out / "a.png").symlink_to(archive.folder / "away")
    done = archive.run(archive.scans, "-o", archive.out)
    assert "a.png is there and not as this program left it" in done.stderr
    assert "1 coloured" in done.stderr
    assert list(archive.results()) == ["more/b.png"]


def test_an_archive_that_moves_is_done_still_and_a_damaged_journal_forgets_its_line_only(archive: Archive) -> None:
    for name in ("a.png", "b.png"):
        archive.add(name)
    archive.colorize()
    moved = archive.scans.rename(archive.folder / "moved")
    assert "2 were done before" in archive.run(moved, "-o", archive.out).stderr
    with (archive.out / NAME).open("a") as journal:
        journal.write('\n{"result": "a.png", "stamp": [1, 2]}\n{"result": "b.png", "stamp": null}\n[]\n')
    assert "2 were done before" in archive.run(moved, "-o", archive.out).stderr


def test_one_photograph_into_a_folder_is_a_folder_of_one(archive: Archive) -> None:
    photo, report = archive.add("a.jfif"), archive.folder / "report.json"
    for done in (0, 1):
        assert f"{done} were done before" in archive.run(photo, "-o", archive.out, "--report", report).stderr
        assert json.loads(report.read_text())["skipped"] == done
    assert list(archive.results()) == ["a.jfif"]


def test_a_name_that_is_no_text_is_as_good_as_any(archive: Archive) -> None:
    archive.add("a.png").rename(archive.scans / os.fsdecode(b"caf\xe9.png"))
    report = archive.folder / "report.json"
    archive.colorize("--report", report)
    assert "1 were done before" in archive.colorize()
    done = archive.run(archive.scans, "-o", archive.out, "--dry-run", "--overwrite")
    assert done.stdout == done.stdout.encode("ascii").decode()  # where it is no text, its bytes are told
    assert (archive.out / os.fsdecode(b"caf\xe9.png")).stat().st_size > 0
    assert json.loads(report.read_text())["photographs"][0]["photo"].endswith(os.fsdecode(b"caf\xe9.png"))


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(archive: Archive) -> None:
    archive.add("a.png")
    done = archive.run(archive.scans, "-o", archive.out, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{archive.scans / 'a.png'} -> {archive.out / 'a.png'}\n"
    assert "1 would be coloured, 0 are done." in done.stderr
    assert not archive.out.exists()
    archive.colorize()
    archive.add("b.png")
    done = archive.run(archive.scans, "-o", archive.out, "--dry-run")
    assert [line.split(" -> ")[0] for line in done.stdout.splitlines()] == [str(archive.scans / "b.png")]
    assert list(archive.results()) == ["a.png"]


def test_a_dry_run_of_one_photograph_writes_nothing(archive: Archive) -> None:
    photo = archive.add("a.png")
    done = archive.run(photo, "-o", "b.png", "--dry-run")
    assert (done.returncode, done.stdout) == (0, f"{photo} -> b.png\n")
    assert not (archive.folder / "b.png").exists()


def test_a_run_that_is_stopped_just_before_it_tells_of_a_result_tells_of_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [archive.add("a.png"), archive.add("b.png")]
    keep = Journal.keep

    def keep_and_stop(*arguments: Any) -> None:
        keep(*arguments)
        raise KeyboardInterrupt

    def copied(task: Task, file: Path) -> list[str]:
        shutil.copy(task.photo, file)
        return []

    monkeypatch.setattr(Journal, "keep", keep_and_stop)
    planned = plan([archive.scans], archive.out, Kinds([".png"], lambda _photo: ".png"), results_in)
    batch = Batch(planned, {}, overwrite=False, progress=TerminalProgress(2))
    with pytest.raises(KeyboardInterrupt):
        batch.run(lambda tasks: (attempt(task, copied) for task in tasks))
    assert batch.summary.entries == [
        {"photo": str(photos[0]), "status": "done", "result": str(archive.out / "a.png")},
        {"photo": str(photos[1]), "status": "left"},
    ]


def test_two_runs_do_not_write_to_the_same_folder(archive: Archive) -> None:
    archive.add("a.png")
    with Journal(archive.out).held([]):
        done = archive.run()
    assert done.returncode == 1
    assert "Another run" in done.stderr
    archive.colorize()


def test_where_nobody_may_look_or_write_is_a_sentence(archive: Archive) -> None:
    archive.add("a.png")
    if sys.platform != "linux":
        absent("what root may do is taken away as Linux does it")
    archive.strict = True
    with closed(archive.scans / "private"), closed(archive.folder / "locked") as locked:
        done = archive.run(archive.scans, locked / "b.png", "-o", archive.out)
        assert done.returncode == 1
        assert [line.split(" (")[0] for line in done.stderr.splitlines() if "Permission denied" in line] == [
            f"The folder {archive.scans / 'private'} cannot be read",
            f"{locked / 'b.png'} cannot be read",
        ]
        assert list(archive.results()) == ["a.png"]
        for out in (locked, locked / "below"):
            done = archive.run(archive.scans, "-o", out)
            assert done.returncode == 1
            assert "Permission denied" in done.stderr.splitlines()[-1]
            assert "unexpected" not in done.stderr
        for photo, result in (
            (locked / "b.png", archive.folder / "b.png"),
            (archive.scans / "a.png", locked / "b.png"),
        ):
            done = archive.run(photo, "-o", result)
            assert done.returncode == 1
            assert len(done.stderr.splitlines()) == 1
            assert "unexpected" not in done.stderr


def test_a_result_that_cannot_be_written_is_a_sentence_and_the_others_go_on(archive: Archive) -> None:
    if sys.platform != "linux":
        absent("what root may do is taken away as Linux does it")
    archive.strict = True
    long = archive.add(f"{'n' * 251}.png")
    for name in ("a.png", "shut/a.png", "shut/below/a.png"):
        archive.add(name)
    (archive.out / "shut" / "below").mkdir(parents=True)
    with closed(archive.out / "shut"):
        done = archive.run(archive.scans, "-o", archive.out, "--format", "jpeg")
    assert done.returncode == 1
    assert "1 coloured" in done.stderr
    assert "3 failed" in done.stderr
    assert "unexpected" not in done.stderr
    assert f"{long.stem}.jpeg cannot be put in its place (File name too long)" in done.stderr
    assert list(archive.results()) == ["a.jpeg"]


def test_what_is_no_file_is_not_waited_for(archive: Archive) -> None:
    archive.add("a.png")
    os.mkfifo(archive.scans / "pipe.png")
    done = archive.run(archive.scans, "-o", archive.out)
    assert f"{archive.scans / 'pipe.png'} is no file" in done.stderr
    assert list(archive.results()) == ["a.png"]
    done = archive.run(archive.scans / "pipe.png", "-o", "b.png")
    assert "is no file" in done.stderr


def test_what_the_user_changes_in_mid_run_stays(archive: Archive) -> None:
    for number in range(16):
        archive.add(f"{number:02}.png", side=400)
    archive.colorize()
    last = (archive.out / "00.png").read_bytes()
    process = archive.command(archive.scans, "-o", archive.out, "--warmth", "1", "--jobs", "1")
    while process.poll() is None and (archive.out / "00.png").read_bytes() == last:
        time.sleep(0.01)
    (archive.out / "15.png").write_text("retouched")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "15.png is there and not as this program left it" in errors
    assert archive.results()["15.png"] == b"retouched"


def test_a_full_disk_stops_the_run_and_leaves_what_is_whole(archive: Archive) -> None:
    for number in range(12):
        archive.add(f"{number:02}.png", side=400)
    with small_disk(archive.folder / "small", "3m") as disk:
        report = archive.folder / "report.json"
        done = archive.run(archive.scans, "-o", disk, "--report", report)
        assert done.returncode == 1
        assert "is full: make room" in done.stderr
        told = json.loads(report.read_text())
        assert "is full: make room" in told["stopped"]
        assert told["left"] > 0
        results = contents(disk)
        assert 0 < len(results) < 12
        assert all(map(is_coloured, results.values()))
        assert done.stderr.count("could not be written") <= 2 * cores()  # those that were at work
        for name in list(results)[1:]:
            (disk / name).unlink()
        assert "1 were done before" in archive.run(archive.scans, "-o", disk).stderr


def test_a_report_that_cannot_be_written_hides_nothing_and_leaves_nothing(archive: Archive) -> None:
    archive.add("a.png")
    with small_disk(archive.folder / "small", "1m") as disk:
        (disk / "full").write_bytes(bytes(1 << 20))
        done = archive.run(archive.scans, "-o", archive.out, "--report", disk / "report.json")
        assert done.returncode == 1
        assert re.search(r"^1 coloured", done.stderr, re.MULTILINE)
        assert "report.json cannot be written (No space left on device)" in done.stderr
        assert [path.name for path in disk.iterdir()] == ["full"]


def test_on_a_terminal_one_line_tells_how_far_a_run_is(archive: Archive) -> None:
    pty = pytest.importorskip("pty")
    for number in range(20):
        archive.add(f"{number}.png", side=500)
    screen, terminal = pty.openpty()
    process = archive.command(archive.scans, "-o", archive.out, "--jobs", "1", stderr=terminal)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # when nobody writes to it any more
        while some := os.read(screen, 4096):
            shown += some
    process.communicate()
    line = re.search(rb"\r(\d+) of 20 \((\d+)%\), \d+\.\d a second, \d+ s left", shown)
    assert line, shown
    assert int(line[2]) == 5 * int(line[1])
    assert re.search(rb" \r20 coloured in \d+ s, 0 were done before, 0 failed.\r\n$", shown)  # the line is gone


BAD_INPUT = {
    "an empty folder": (["empty", "-o", "out"], "no photograph"),
    "a folder of other things": (["texts", "-o", "out"], "no photograph"),
    "no such folder": (["nowhere", "-o", "out"], "check the name"),
    "results in the place of the photographs": (["scans", "-o", "scans"], "name another folder"),
    "results among their photographs": (
        ["scans/a.png", "twins/a.jpg", "-o", "scans", "--overwrite"],
        "one of the photo",
    ),
    "a photograph's own place": (["scans/a.png", "-o", "scans", "--overwrite"], "take the place"),
    "a report into no folder": (["scans", "-o", "out", "--report", "nowhere/r.json"], "make it first"),
    "a report of nothing": (["scans", "-o", "out", "--report", "r", "--dry-run"], "leave one"),
    "results to the name of a file": (["scans", "-o", "one.jpg"], "name of a file"),
    "results to a file": (["scans", "-o", "texts/a.txt"], "is a file"),
    "results below a file": (["scans", "-o", "texts/a.txt/out"], "cannot be made"),
    "one result of two photographs": (["scans", "twins", "-o", "out"], "rename one"),
    "one result by the format": (["twins", "-o", "out", "--format", "png"], "rename one"),
    "an unknown model": (["scans", "-o", "out", "--model", "nobody"], "orange, grey"),
    "an unknown format": (["scans", "-o", "out", "--format", "bmp"], "--help"),
    "no jobs": (["scans", "-o", "out", "--jobs", "0"], "--help"),
    "a report of one photograph": (
        ["scans/a.png", "-o", "out.png", "--report", "r"],
        "--report is for results in a folder",
    ),
    "a report in the place of a photograph": (["scans", "-o", "out", "--report", "scans/a.png"], "no earlier report"),
    "a report into a pipe": (["scans", "-o", "out", "--report", "pipe"], "no earlier report"),
    "a report in the place of a folder": (["scans", "-o", "out", "--report", "empty"], "no earlier report"),
    "jobs that are no number": (["scans", "-o", "out", "--jobs", "x"], "--help"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_nothing_is_written(archive: Archive, case: str) -> None:
    archive.add("a.png")
    for folder in ("empty", "texts", "twins"):
        (archive.folder / folder).mkdir()
    (archive.folder / "texts" / "a.txt").write_text("I am no photograph.")
    for name in ("a.png", "a.jpg"):
        shutil.copy(archive.scans / "a.png", archive.folder / "twins" / name)
    os.mkfifo(archive.folder / "pipe")
    before = sorted(archive.folder.rglob("*"))
    arguments, words = BAD_INPUT[case]
    done = archive.run(*arguments)
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 1
    assert sorted(archive.folder.rglob("*")) == before
