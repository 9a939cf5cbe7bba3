"""Real GIMPs: every test that wants one runs in each GIMP 3 on the PATH."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from colorize_neural.settings import Settings

from tests.gimp.gimps import STRANGE, Gimp, found, make_profile, running


def absent(what: str) -> None:
    """Skips the test; where a complete machine was promised, fails it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session", params=[*found()] or ["none"])
def gimp_program(request: pytest.FixtureRequest) -> str:
    if request.param not in found():
        absent("there is no GIMP 3 on this machine's PATH")
    return found()[request.param]


@pytest.fixture(scope="session")
def gimp(gimp_program: str, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    """A GIMP without windows."""
    profile: Path = tmp_path_factory.mktemp("gimp") / STRANGE
    make_profile(profile, tiny)
    with running(gimp_program, profile, "--no-interface") as gimp:
        yield gimp
