"""The lines that the README tells people to type, typed in real GIMPs."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest

from tests.gimp.gimps import Gimp, Photo

README = Path(__file__).resolve().parents[2] / "README.md"
SCRIPT = """(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE "in.xcf"))))
{}
(gimp-file-save RUN-NONINTERACTIVE image "out.xcf"))"""


@pytest.fixture
def folder(gimp: Gimp, tmp_path: Path) -> Path:
    """A folder with a photograph, in.xcf."""
    with gimp.image(Photo(base="GRAY")) as image:
        image.do("save", path=str(tmp_path / "in.xcf"))
    return tmp_path


def snippet(beginning: str) -> str:
    """The README's indented block that begins so."""
    (found,) = re.findall(rf"^    {re.escape(beginning)}.*\n(?:    .*\n)*", README.read_text(encoding="utf-8"), re.M)
    return textwrap.dedent(found)


def run(gimp: Gimp, folder: Path, *command: str) -> list[str]:
    """Runs a command that makes out.xcf of in.xcf -> the names of the layers there; the uppermost has colours."""
    profile = gimp.plugin.parents[1]
    own = {"GIMP3_DIRECTORY": str(profile), "XDG_DATA_HOME": str(profile)}
    done = subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)
    assert (folder / "out.xcf").exists(), done.stderr
    layers = gimp.ask("layers_in", path=str(folder / "out.xcf"))
    red, _, blue, _ = np.frombuffer(layers[0]["pixels"], np.float32).reshape(-1, 4).mean(axis=0)
    assert red > blue + 0.1
    return [layer["name"] for layer in layers]


def test_the_python_lines_add_a_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    lines = snippet("gimp-console-3.0").replace("gimp-console-3.0", gimp_program)
    assert run(gimp, folder, "bash", "-c", lines) == ["Orange", "photo"]


def test_the_script_fu_lines_replace_the_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    script = SCRIPT.format(snippet("(plug-in-colorize-neural"))
    options = ("--no-interface", "--quit", "--batch-interpreter=plug-in-script-fu-eval", "-b", script)
    assert run(gimp, folder, gimp_program, *options) == ["photo"]
