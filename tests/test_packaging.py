"""The package that pipx, uv and pip make of the repository, and what is said about a release."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from colorize_neural import __version__

from tests.machines import REPOSITORY, make_checkout


def make_wheel(folder: Path) -> Path:
    """A wheel of a fresh checkout, whose files have other times than those of the last one."""
    checkout = make_checkout(folder / "checkout")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir")
    subprocess.run([*pip, str(folder), str(checkout)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_command_and_all_models(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (scripts,) = (archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert "colorize-neural = colorize_neural.cli:main" in scripts
    assert {"colorize_neural/models/manifest.json", "colorize_neural/models/orange.onnx"} <= names
    modules = (REPOSITORY / "plugin/colorize_neural").rglob("*.py")
    assert {str(module.relative_to(REPOSITORY / "plugin")) for module in modules} <= names


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert [
        name for name in names if not name.startswith((f"colorize_neural-{__version__}.", "colorize_neural/"))
    ] == []
    assert [name for name in names if "__pycache__" in name] == []


def test_the_same_files_make_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert make_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_version_stands_in_one_place() -> None:
    modules = [file for folder in ("plugin", "installer", "export") for file in (REPOSITORY / folder).rglob("*.py")]
    setting = re.compile(r'^(__)?version(__)? *= *"', re.MULTILINE)
    found = [
        file for file in [REPOSITORY / "pyproject.toml", *modules] if setting.search(file.read_text(encoding="utf-8"))
    ]
    assert found == [REPOSITORY / "plugin/colorize_neural/__init__.py"]


def test_the_notes_of_a_release_are_its_section_of_the_changelog() -> None:
    notes = subprocess.run([REPOSITORY / ".ci/release-notes", __version__], capture_output=True, text=True, check=True)
    assert notes.stdout
    assert notes.stdout in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## " not in f"\n{notes.stdout}"


def test_a_release_that_the_changelog_does_not_know_is_a_sentence() -> None:
    done = subprocess.run([REPOSITORY / ".ci/release-notes", "0.1"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == 'CHANGELOG.md has no section "## 0.1": please write it first.\n'
