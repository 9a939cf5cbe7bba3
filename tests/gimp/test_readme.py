"""The lines that the README tells people to type, typed in real GIMPs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.gimp.gimps import Gimp, Photo

README = Path(__file__).resolve().parents[2] / "README.md"
PROGRAM = "gimp-console-3.0"
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def folder(gimp: Gimp, tmp_path: Path) -> Path:
    """A folder with a photograph, in.xcf."""
    with gimp.image(Photo(base="GRAY")) as image:
        image.do("save", path=str(tmp_path / "in.xcf"))
    return tmp_path


def snippet(interpreter: str, words: str) -> str:
    """The README's block for that interpreter which has these words."""
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    start = f"{PROGRAM} --quit --batch-interpreter={interpreter} "
    (found,) = (block for block in blocks if block.startswith(start) and words in block)
    return found


def typed(gimp: Gimp, program: str, folder: Path, command: str) -> Done:
    """What becomes of a command of the README, typed in a folder."""
    profile = gimp.plugin.parents[1]
    own = {"GIMP3_DIRECTORY": str(profile), "XDG_DATA_HOME": str(profile)}
    typed = ["bash", "-c", command.replace(PROGRAM, program)]
    return subprocess.run(typed, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)


def layers_of(gimp: Gimp, file: Path) -> list[str]:
    """The names of the layers; the uppermost has colours."""
    layers = gimp.ask("layers_in", path=str(file))
    red, _, blue, _ = np.frombuffer(layers[0]["pixels"], np.float32).reshape(-1, 4).mean(axis=0)
    assert red > blue + 0.1
    return [layer["name"] for layer in layers]


def run(gimp: Gimp, program: str, folder: Path, interpreter: str, words: str) -> list[str]:
    """Types the command that makes out.xcf of in.xcf -> the layers there."""
    done = typed(gimp, program, folder, snippet(interpreter, words))
    said = done.stdout + done.stderr
    assert (folder / "out.xcf").exists() and done.returncode == 0, said
    assert "stray image" not in said
    return layers_of(gimp, folder / "out.xcf")


def test_the_python_command_adds_a_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    assert run(gimp, gimp_program, folder, "python-fu-eval", "file_load") == ["Orange", "photo"]


def test_the_script_fu_command_replaces_the_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    assert run(gimp, gimp_program, folder, "plug-in-script-fu-eval", "file-load") == ["photo"]


def test_the_command_for_a_folder_fails_where_a_photograph_does(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    (folder / "scans").mkdir()
    for name in ("scans/a.xcf", "scans/b.xcf"):
        shutil.copy(folder / "in.xcf", folder / name)
    command = snippet("plug-in-script-fu-eval", "plug-in-colorize-neural-folder")
    done = typed(gimp, gimp_program, folder, command)
    assert done.returncode == 0, done.stderr
    for name in ("a.xcf", "b.xcf"):
        assert layers_of(gimp, folder / "coloured" / name) == ["Orange", "photo"]
    (folder / "scans" / "c.xcf").touch()
    done = typed(gimp, gimp_program, folder, command)
    assert done.returncode != 0
    assert "2 were done before, 1 failed" in done.stdout + done.stderr
    more = '#:format "png" #:report "report.json"'
    assert more in README.read_text(encoding="utf-8")
    typed(gimp, gimp_program, folder, command.replace("#:out", f"{more} #:out"))
    assert {path.name for path in (folder / "coloured").glob("*.png")} == {"a.png", "b.png"}
    assert '"failed": 1' in (folder / "report.json").read_text(encoding="utf-8")
