"""The lines that the README tells people to type, typed in real GIMPs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.gimp.gimps import Gimp, Photo

README = Path(__file__).resolve().parents[2] / "README.md"
PROGRAM = "gimp-console-3.0"


@pytest.fixture
def folder(gimp: Gimp, tmp_path: Path) -> Path:
    """A folder with a photograph, in.xcf."""
    with gimp.image(Photo(base="GRAY")) as image:
        image.do("save", path=str(tmp_path / "in.xcf"))
    return tmp_path


def snippet(beginning: str) -> str:
    """The README's block that begins so."""
    (found,) = re.findall(rf"^```sh\n({re.escape(beginning)}.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    return str(found)


def run(gimp: Gimp, program: str, folder: Path, interpreter: str) -> list[str]:
    """Types the README's command that makes out.xcf of in.xcf -> the layers there; the uppermost has colours."""
    command = snippet(f"{PROGRAM} --quit --batch-interpreter={interpreter}").replace(PROGRAM, program)
    profile = gimp.plugin.parents[1]
    own = {"GIMP3_DIRECTORY": str(profile), "XDG_DATA_HOME": str(profile)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert (folder / "out.xcf").exists() and done.returncode == 0, said
    assert "stray image" not in said
    layers = gimp.ask("layers_in", path=str(folder / "out.xcf"))
    red, _, blue, _ = np.frombuffer(layers[0]["pixels"], np.float32).reshape(-1, 4).mean(axis=0)
    assert red > blue + 0.1
    return [layer["name"] for layer in layers]


def test_the_python_command_adds_a_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    assert run(gimp, gimp_program, folder, "python-fu-eval") == ["Orange", "photo"]


def test_the_script_fu_command_replaces_the_layer(gimp: Gimp, gimp_program: str, folder: Path) -> None:
    assert run(gimp, gimp_program, folder, "plug-in-script-fu-eval") == ["photo"]
