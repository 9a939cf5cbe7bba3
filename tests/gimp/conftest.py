"""Real GIMPs: every test that wants one runs in each GIMP 3 on the PATH."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from colorize_neural.settings import Settings

from tests.absence import absent
from tests.gimp.desk import Desk, missing, opened
from tests.gimp.gimps import REPOSITORY, STRANGE, Gimp, found, make_profile, running


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
    if missing(gimp_program):
        absent(f"a GIMP with windows lacks {', '.join(missing(gimp_program))}")
    with opened(gimp_program, tiny, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that ship, the default one by a name that the tests' GIMPs know."""
    folder = tmp_path_factory.mktemp("shipped")
    models = REPOSITORY / "models"
    (folder / "autochrome.onnx").symlink_to(models / "autochrome.onnx")
    (folder / "manifest.json").write_text((models / "manifest.json").read_text().replace('"autochrome"', '"orange"'))
    return folder
