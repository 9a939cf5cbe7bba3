"""Folders of photographs on a cluster: Ray's own, of several processes of this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from colorize_neural.batch import STATUSES
from colorize_neural.journal import NAME

from tests.archives import Archive
from tests.clusters import cluster
from tests.processes import below, command_of

PHOTOS = 30
DEATH = """
import os, signal, sys
def die(event, arguments):
    if event == "open" and str(arguments[0]).endswith("deadly.png"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(die)
"""  # of whoever opens it


@pytest.fixture
def whole(archive: Archive) -> dict[str, bytes]:
    """What a local run makes of the archive; the folder of results is gone again."""
    for number in range(PHOTOS):
        archive.add(f"{number:02}/{number:02}.png" if number % 2 else f"{number:02}.png", side=400)
    archive.colorize()
    results = archive.results()
    shutil.rmtree(archive.out)
    return results


def test_a_cluster_gives_the_same_bytes_and_the_same_resume_and_report(archive: Archive, whole: object) -> None:
    (archive.scans / "empty.png").touch()
    archive.environment["HOME"] = str(archive.folder)
    done = archive.run(archive.scans, "-o", archive.out, "--ray", "--jobs", "2", "--report", archive.report)
    assert done.returncode == 1
    assert f"{PHOTOS} coloured" in done.stderr
    assert "empty.png is empty (0 bytes)" in archive.report.read_text()
    assert archive.results() == whole
    (archive.scans / "empty.png").unlink()
    assert f"{PHOTOS} were done before" in archive.colorize()
    assert f"{PHOTOS} were done before" in archive.colorize("--ray")
    assert not (archive.folder / ".ray").exists()  # a token that every other cluster would want from then on


def test_a_worker_that_is_killed_loses_nothing(archive: Archive, whole: object) -> None:
    process = archive.command(archive.scans, "-o", archive.out, "--ray", "--jobs", "2")
    killed: set[int] = set()
    while process.poll() is None:
        if kept(archive) and len(killed) < 2:
            for worker in set(actors_below(process.pid)) - killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        time.sleep(0.01)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert killed
    assert archive.results() == whole


def test_a_machine_that_is_lost_loses_nothing(archive: Archive, whole: object) -> None:
    with cluster(1, 1) as (address, (_, lost)):
        process = archive.command(archive.scans, "-o", archive.out, "--ray", address)
        while process.poll() is None and not (kept(archive) and actors_below(lost.pid)):
            time.sleep(0.01)
        for one in (lost.pid, *below(lost.pid)):
            os.kill(one, signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert f"{PHOTOS} coloured" in errors
        assert archive.results() == whole


def test_a_cluster_that_is_there_is_used_and_stays(archive: Archive, whole: object) -> None:
    with cluster(2) as (address, (node,)):
        command = archive.scans, "-o", archive.out, "--ray", address, "--report", archive.report
        assert "gives Ray 3 cores" in archive.run(*command, "--cores", "3").stderr
        done = archive.run(*command, "--cores", "2")
        assert done.returncode == 0, done.stderr
        assert archive.results() == whole
        assert told(archive) == {"done": PHOTOS, "skipped": 0, "failed": 0, "left": 0}
        assert node.poll() is None
        assert f"{PHOTOS} were done before" in archive.colorize("--ray", address)


def test_a_killed_run_is_resumed_and_no_one_can_tell(archive: Archive, whole: dict[str, bytes]) -> None:
    process = archive.command(archive.scans, "-o", archive.out, "--ray", "--jobs", "2")
    while process.poll() is None and not kept(archive):
        time.sleep(0.01)
    left = [*below(process.pid)]
    process.kill()
    process.communicate()
    done = kept(archive)
    assert done.items() <= whole.items()
    said = archive.colorize("--ray", "--jobs", "2")
    assert archive.results() == whole
    skipped = re.search(r"(\d+) were done before", said)
    assert skipped is not None
    assert 0 < len(done) == int(skipped[1]) < PHOTOS
    assert len((archive.out / NAME).read_text().splitlines()) <= PHOTOS + 2  # the first line is empty
    for one in left:  # Ray's agents would go on for a minute
        if "ray" in command_of(one):
            os.kill(one, signal.SIGKILL)


def test_a_run_that_is_ended_tells_so_and_goes_on_later(archive: Archive, whole: object) -> None:
    process = archive.command(archive.scans, "-o", archive.out, "--ray", "--jobs", "2", "--report", archive.report)
    while process.poll() is None and not kept(archive):
        time.sleep(0.01)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    assert "goes on where this one stopped" in errors
    done = kept(archive)
    assert archive.results() == done  # and nothing half-written
    assert told(archive) == {"done": len(done), "skipped": 0, "failed": 0, "left": PHOTOS - len(done)}
    assert f"{len(done)} were done before" in archive.colorize()
    assert archive.results() == whole


def test_a_photograph_that_ends_its_process_is_told_of_and_the_others_go_on(archive: Archive, whole: object) -> None:
    deadly = archive.add("deadly.png")
    (archive.folder / "sitecustomize.py").write_text(DEATH)
    archive.environment["PYTHONPATH"] = os.pathsep.join([str(archive.folder), *sys.path])
    command = archive.scans, "-o", archive.out, "--ray", "--jobs", "2", "--report", archive.report
    done = archive.run(*command)
    assert done.returncode == 1
    assert f"{deadly} ended every process that was to colour it" in done.stderr
    assert archive.results() == whole
    assert told(archive) == {"done": PHOTOS, "skipped": 0, "failed": 1, "left": 0}
    deadly.unlink()
    assert f"{PHOTOS} were done before" in archive.colorize("--ray")


def actors_below(process: int) -> list[int]:
    """The actors' processes among those that a process has started."""
    return [one for one in below(process) if "MapWorker" in command_of(one)]


def kept(archive: Archive) -> dict[str, bytes]:
    """The results that have their names."""
    files = [path for path in archive.out.rglob("[0-9]*") if path.is_file()]
    return {path.relative_to(archive.out).as_posix(): path.read_bytes() for path in files}


def told(archive: Archive) -> dict[str, int]:
    """What the report says of each status."""
    report = json.loads(archive.report.read_text())
    return {status: report[status] for status in STATUSES}


def test_without_ray_a_sentence_says_how_to_get_it(archive: Archive) -> None:
    archive.add("a.png")
    without = "import sys; sys.modules['ray'] = None; from colorize_neural.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", without, str(archive.scans), "-o", str(archive.out), "--ray"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install" in done.stderr.splitlines()[-1]
    assert not Path(archive.out / "a.png").exists()


def test_a_cluster_that_is_not_there_is_a_sentence(archive: Archive) -> None:
    archive.add("a.png")
    done = archive.run(archive.scans, "-o", archive.out, "--ray", "127.0.0.1:1")
    assert done.returncode == 1
    assert "There is no Ray cluster at 127.0.0.1:1" in done.stderr


def test_cores_without_a_cluster_are_a_sentence(archive: Archive) -> None:
    archive.add("a.png")
    done = archive.run(archive.scans, "-o", archive.out, "--cores", "2")
    assert (done.returncode, done.stderr) == (1, "--cores is for --ray: leave it out.\n")
