"""What install.py puts into real GIMPs that were never started before."""

from __future__ import annotations

import os

import pytest

from tests.gimp.gimps import Photo, found, running
from tests.machines import NAME, Machine, make_checkout


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """install.py found the GIMPs on the PATH."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder, make_checkout(folder / "checkout"))
    done = machine.install(PATH=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    return machine


def test_a_gimp_that_was_never_started_colours_after_one_command(gimp_program: str, machine: Machine) -> None:
    (version,) = (version for version, program in found().items() if program == gimp_program)
    profile = machine.gimp_folder(version)
    assert (profile / "plug-ins" / NAME).is_dir()
    with running(gimp_program, profile, "--no-interface", HOME=str(machine.home)) as gimp, gimp.image(Photo()) as image:
        assert image.colorize(output="replace")[0] == "success"
        (layer,) = image.state().layers
    assert f"ok    GIMP {version} knows the plug-in" in machine.install("--check", "--gimp-folder", profile).stdout
    assert layer.pixels[..., 0].mean() > layer.pixels[..., 2].mean() + 0.1  # the tiny model's colour is orange
