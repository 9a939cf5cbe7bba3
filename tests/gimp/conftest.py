"""Real GIMPs: every test that wants one runs in each GIMP 3 on the PATH."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from colorize_neural.settings import Settings

from tests.absence import absent
from tests.gimp.desk import INSIDE_PLUGIN, Desk
from tests.gimp.gimps import REPOSITORY, STRANGE, Gimp, found, make_profile, running
from tests.gimp.screen import missing, screen


@pytest.fixture(scope="session", params=[*found()] or ["none"])
def gimp_version(request: pytest.FixtureRequest) -> str:
    if request.param not in found():
        absent("there is no GIMP 3 on this machine's PATH")
    return str(request.param)


@pytest.fixture(scope="session")
def gimp_program(gimp_version: str) -> str:
    return found()[gimp_version]


@pytest.fixture(scope="session")
def gimp(gimp_program: str, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    """A GIMP without windows."""
    profile: Path = tmp_path_factory.mktemp("gimp") / STRANGE
    make_profile(profile, tiny)
    with running(gimp_program, profile, "--no-interface") as gimp:
        yield gimp


@pytest.fixture(scope="session")
def desk(gimp_program: str, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A GIMP with windows, on a screen of its own."""
    program = shutil.which(Path(gimp_program).name.replace("-console", ""))
    if not program or missing():
        absent(f"a GIMP with windows lacks {', '.join(missing()) or 'its program'}")
    profile: Path = tmp_path_factory.mktemp("gimp") / STRANGE
    make_profile(profile, tiny)
    sockets = tmp_path_factory.mktemp("sockets")
    inside = {"PYTHONPATH": str(INSIDE_PLUGIN), "INSIDE_PLUGIN": str(sockets)}
    with screen() as shown, running(str(program), profile, "--no-splash", DISPLAY=shown.display, **inside) as gimp:
        desk = Desk(gimp, shown, sockets)
        desk.close_welcome()
        yield desk


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that ship, the default one by a name that the tests' GIMPs know."""
    folder = tmp_path_factory.mktemp("shipped")
    models = REPOSITORY / "models"
    (folder / "autochrome.onnx").symlink_to(models / "autochrome.onnx")
    (folder / "manifest.json").write_text((models / "manifest.json").read_text().replace('"autochrome"', '"orange"'))
    return folder
