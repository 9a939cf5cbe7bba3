"""The three rooms and the arrows between them, read from the imports themselves."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from installer.environment import SHARED_MODULES

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "plugin" / "colorize_neural"
COPIED = [PACKAGE / f"{name}.py" for name in SHARED_MODULES]
OWN = {"colorize_neural", *(f"colorize_neural.{file.stem}" for file in COPIED)}
WORKER = {f"colorize_neural.worker.{file.stem}" for file in (PACKAGE / "worker").glob("*.py")} | {
    "colorize_neural.worker"
}
COMMAND = ("parser", "models_command", "added", "download", "cluster")
STANDARD = set(sys.stdlib_module_names)

#  files: what they may import beside the standard library
MAY_IMPORT = {
    "copied beside the GIMP front end": (
        COPIED,
        OWN,
    ),
    "the GIMP 3 front end": (
        sorted((REPOSITORY / "plugin/gimp3").glob("*.py")),
        {"gi", *(file.stem for file in (REPOSITORY / "plugin/gimp3").glob("*.py")), *OWN},
    ),
    "the GIMP 2.10 front end": (
        sorted((REPOSITORY / "plugin/gimp2").glob("*.py")),
        {"gimp", "gimpenums", "gimpfu"},
    ),
    "the worker": (
        sorted((PACKAGE / "worker").glob("*.py")),
        {"numpy", "cv2", "onnxruntime", "pyvips", *OWN, *WORKER},
    ),
    "the command": (
        [PACKAGE / f"{name}.py" for name in ("cli", *COMMAND)],
        {*OWN, *WORKER, *(f"colorize_neural.{name}" for name in COMMAND), "ray"},
    ),
    "the installer": (
        [REPOSITORY / "install.py", *sorted((REPOSITORY / "installer").glob("*.py"))],
        {"installer", *OWN},
    ),
}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_each_room_imports_only_what_it_may(room: str) -> None:
    files, allowed = MAY_IMPORT[room]
    assert files
    for file in files:
        strangers = {name for name in imported(file) if not stands_in(name, allowed | STANDARD | {"__future__"})}
        assert not strangers, f"{file.relative_to(REPOSITORY)} imports {', '.join(sorted(strangers))}"


def test_the_export_room_takes_from_the_plugin_only_what_has_no_front_end() -> None:
    shared = {*WORKER, *(f"colorize_neural.{name}" for name in ("errors", "folders", "settings"))}
    for file in REPOSITORY.glob("export/**/*.py"):
        ours = {name for name in imported(file) if name.startswith("colorize_neural")}
        assert ours <= shared, f"{file.relative_to(REPOSITORY)} imports {', '.join(sorted(ours - shared))}"


def test_only_the_export_room_knows_torch_and_nobody_but_the_tests_imports_it() -> None:
    for file in [*REPOSITORY.glob("plugin/**/*.py"), *REPOSITORY.glob("installer/*.py"), REPOSITORY / "install.py"]:
        assert not {"torch", "lightning", "export"} & {name.partition(".")[0] for name in imported(file)}


def test_lab_is_computed_in_one_place() -> None:
    elsewhere = [
        file
        for file in [*REPOSITORY.glob("plugin/**/*.py"), *REPOSITORY.glob("export/**/*.py")]
        if re.search("2lab|COLOR_LAB", file.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert elsewhere == []


def imported(file: Path) -> set[str]:
    """The full names of all modules a file imports, at its top or later."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "colorize_neural":
            names |= {f"colorize_neural.{alias.name}" for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def stands_in(name: str, allowed: set[str]) -> bool:
    """Whether the module itself is allowed, or (but for our own package's modules) the package it belongs to."""
    return name in allowed or name.partition(".")[0] in allowed - {"colorize_neural"}
