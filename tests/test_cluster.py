"""Folders of photographs on a cluster: Ray's own, of several processes of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.archives import Archive, finished
from tests.processes import below, command_of

PHOTOS = 30


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
    report = archive.folder / "report.json"
    done = archive.run(archive.scans, "-o", archive.out, "--ray", "--jobs", "2", "--report", report)
    assert done.returncode == 1
    assert f"{PHOTOS} coloured" in done.stderr
    assert "empty.png is empty (0 bytes)" in report.read_text()
    assert archive.results() == whole
    (archive.scans / "empty.png").unlink()
    assert f"{PHOTOS} were done before" in archive.colorize()
    assert f"{PHOTOS} were done before" in archive.colorize("--ray")


def test_a_worker_that_is_killed_loses_nothing(archive: Archive, whole: object) -> None:
    process = archive.command(archive.scans, "-o", archive.out, "--ray", "--jobs", "2")
    killed: set[int] = set()
    while process.poll() is None:
        if finished(archive.out) and len(killed) < 2:
            for worker in set(actors_of(process)) - killed:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
        time.sleep(0.01)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert killed
    assert archive.results() == whole


def actors_of(process: subprocess.Popen[str]) -> list[int]:
    """The actors' processes of the cluster that a command has started."""
    return [one for one in below(process.pid) if "MapWorker" in command_of(one)]


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
