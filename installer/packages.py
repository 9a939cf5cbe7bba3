"""The packages of the worker's environment: what the locks name, by pip, from its servers or from a folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from colorize_neural import __version__
from colorize_neural.errors import ColorizeError

from installer.processes import run
from installer.runtimes import Build
from installer.sides import Side

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = "environment"
PYTHON = {"posix": "bin/python", "nt": "Scripts/python.exe"}[os.name]
_HASHED = ("--require-hashes", "--only-binary=:all:")
_BUILDERS = ("-r", "plugin/build.lock")
_WORKER = (
    # pyvips comes as source only; it is pure Python as long as it finds no libvips to compile against
    ("--no-binary=pyvips", "--no-build-isolation", "-r", "plugin/requirements.lock"),
    ("--no-deps", "-r", "plugin/runtimes/{lock}.lock"),
)
_OURSELVES = ("--no-deps", "--no-build-isolation", ".")
_FAILURE = "The worker cannot be installed"
_SOURCE = ("plugin", "models", "pyproject.toml", "README.md", "LICENSE")  # what is installed from


def require_venv() -> None:
    """Where a system splits Python in packages, the part that makes environments may be missing."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = "{}.{}".format(*sys.version_info)
        raise ColorizeError(
            f"This Python cannot make environments, for it has no {' or '.join(missing)}: please install it (on "
            f"Debian or Ubuntu: sudo apt install python{version}-venv) or use another Python, and run install.py again."
        )


def install(side: Side, build: Build, folder: Path, wheels: Path | None) -> None:
    """Makes folder/environment with all that the worker needs; wheels: what --prepare-offline made, or None."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        pip = _make_environment(side, folder, Path(temporary))
        source = _source_for(side, Path(temporary))
        where: list[str | Path] = ["--no-index", "--find-links", wheels.absolute()] if wheels else []
        print(f"Fetching what it needs (about {build.size}) ...", flush=True)
        failure = f"The worker cannot be installed from {wheels}, which is for --prepare-offline to make"
        for packages in _locked(build):
            run([*pip, "install", *where, *packages], failure if wheels else _FAILURE, folder=source)
        print(f"Installing Colorize (neural) {__version__} and its models ...", flush=True)
        run([*pip, "install", *_OURSELVES], _FAILURE, folder=source)


def fetch(side: Side, builds: Iterable[Build], wheels: Path) -> None:
    """Puts into a folder all the packages that install() takes on a side."""
    wheels.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wheels) as temporary:  # which both sides see
        folder = Path(temporary)
        pip = _make_environment(side, folder, folder)
        source = _source_for(side, folder)
        run([*pip, "install", *_HASHED, *_BUILDERS], _FAILURE, folder=source)
        for packages in dict.fromkeys(packages for build in builds for packages in _locked(build)):
            run([*pip, "download", "--dest", wheels.absolute(), *packages], _FAILURE, folder=source)


def _locked(build: Build) -> list[tuple[str, ...]]:
    """What pip is told, in its order, to install the packages that the locks name."""
    return [(*_HASHED, *(word.format(lock=build.lock) for word in words)) for words in (_BUILDERS, *_WORKER)]


def _make_environment(side: Side, folder: Path, temporary: Path) -> list[str | Path]:
    """Makes folder/environment by the side's own Python -> what starts its pip.

    A sandbox's Python may have no pip: it borrows this machine's, which is pure Python.
    """
    own: list[str | Path]
    own, failure = [sys.executable, "-I", "-m", "venv"], "The environment cannot be made"
    environment, lender = folder / ENVIRONMENT, temporary / "lender"
    python = side.start(environment / PYTHON)
    if not side.name:
        run([*own, environment], failure)
        return [*python, "-I", "-m", "pip"]
    run([*own, lender], failure)
    (pip,) = lender.glob("lib/python*/site-packages/pip")
    made = f"The Python of the {side.name} cannot make an environment"
    run([*side.start("python3"), "-I", "-m", "venv", "--without-pip", environment], made)
    return [*python, "-I", pip]


def _source_for(side: Side, temporary: Path) -> Path:
    """The checkout; for a sandbox, which may not see it, a copy of what is installed from."""
    if not side.name:
        return REPOSITORY
    source = temporary / "source"
    source.mkdir()
    for name in _SOURCE:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, source / name)
        else:
            shutil.copy(REPOSITORY / name, source)
    return source
