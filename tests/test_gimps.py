"""Which GIMPs install.py finds, and where: every system and packaging on home folders that are made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from installer import gimps, sides
from installer.gimps import Gimp
from tests.machines import ODD, make_program

MAC = "Library/Application Support/GIMP"
STORE = "AppData/Local/Packages/GIMP.43237F745459_nq49gba4h4mx8/LocalCache/Roaming/GIMP"
FLATPAK, SNAP = ".var/app/org.gimp.GIMP/config/GIMP", "snap/gimp/current/.config/GIMP"


def says(version: str) -> str:
    return f'[ "$1" = --version ] && echo GNU Image Manipulation Program version {version}'


def in_sandbox(words: str, version: str) -> str:
    """A `flatpak` or `snap` that has a GIMP."""
    return f'[ "$*" = "{words} --version" ] && echo GNU Image Manipulation Program version {version}'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder on a machine that has no program."""
    for name in [name for name in os.environ if name.startswith(("XDG_", "GIMP"))]:
        monkeypatch.delenv(name)
    home = tmp_path / ODD
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()
    home.mkdir()
    return home


@pytest.fixture
def bin_folder(home: Path) -> Path:
    return home.parent / "programs"


@pytest.mark.parametrize("version", ["2.10", "3.0", "3.2", "3.14"])
@pytest.mark.parametrize(
    ("system", "parent", "packaging"),
    [
        ("linux", ".config/GIMP", ""),
        ("win32", "AppData/Roaming/GIMP", ""),
        ("win32", STORE, "Microsoft Store"),
        ("darwin", MAC, ""),
    ],
)
def test_each_system_has_its_settings_folders(
    home: Path, system: str, parent: str, packaging: str, version: str
) -> None:
    folder = home / parent / version
    folder.mkdir(parents=True)
    for other in ("2.8", "3.0.bak", "plug-ins"):
        (folder.parent / other).mkdir()
    assert gimps.settings_folders(system, home, {}) == [(packaging, folder)]


@pytest.mark.parametrize(
    ("system", "variable", "below"),
    [("linux", "XDG_CONFIG_HOME", "GIMP/3.0"), ("win32", "APPDATA", "GIMP/3.0"), ("win32", "LOCALAPPDATA", STORE[14:])],
)
def test_folders_that_the_system_has_elsewhere_are_found_there(
    home: Path, tmp_path: Path, system: str, variable: str, below: str
) -> None:
    folder = tmp_path / "else[where]" / below.removesuffix("/3.0") / "3.0"
    folder.mkdir(parents=True)
    found = gimps.settings_folders(system, home, {variable: str(tmp_path / "else[where]")})
    assert [path for _packaging, path in found] == [folder]
    assert gimps.settings_folders(system, home, {variable: "else[where]"}) == []  # not absolute: it does not count


@pytest.mark.parametrize(
    ("system", "program", "packaging"),
    [
        ("linux", "Applications/GIMP-3.0.4-x86_64.AppImage", "AppImage"),
        ("linux", "Downloads/GIMP-3.2.0-aarch64.AppImage", "AppImage, downloaded"),
        ("win32", "Program Files/GIMP 3/bin/gimp-console-3.0.exe", "for all users"),
        ("win32", "Program Files/GIMP 2/bin/gimp-console-2.10.exe", "for all users"),
        ("win32", "AppData/Local/Programs/GIMP 3/bin/gimp-console-3.2.exe", "for this user"),
        ("darwin", "Applications/GIMP.app/Contents/MacOS/gimp", "for this user"),
        ("darwin", "Applications/GIMP-2.10.app/Contents/MacOS/gimp", "for this user"),
    ],
)
def test_each_system_has_its_programs(home: Path, system: str, program: str, packaging: str) -> None:
    path = make_program(home / program, "")
    make_program(path.with_name("gimptool-2.0"), "")
    assert gimps.programs(system, home, {"PATH": ""}) == [(packaging, path)]


@pytest.mark.parametrize("name", ["gimp", "gimp-2.10", "gimp-3", "gimp-3.2", "gimp-console-3.0", "gimp-3.exe"])
def test_a_gimp_on_the_path_is_found_once_under_whatever_name(home: Path, bin_folder: Path, name: str) -> None:
    program = make_program(bin_folder / name, says("3.0.4"))
    (bin_folder / "gimp-console").symlink_to(program)
    (found,) = gimps.find([])
    assert (found.version, found.folder) == ("3.0", home / ".config/GIMP/3.0")


def test_a_gimp_that_was_never_started_makes_its_own_settings_folder(home: Path, bin_folder: Path) -> None:
    make_program(bin_folder / "gimp", f'{says("3.2.0")} || /bin/mkdir -p "$HOME/.config/GIMP/3.2/from $*"')
    (found,) = gimps.find([])
    assert not found.folder.exists()  # who only looks changes nothing
    gimps.start_once(found)
    assert [path.name for path in found.folder.iterdir()] == ["from --no-interface --quit"]


def test_gimp_2_and_3_get_different_front_ends(home: Path) -> None:
    for version in ("2.10", "3.0", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    assert [gimp.front_end for gimp in gimps.find([])] == ["gimp2", "gimp3", "gimp3"]


@pytest.mark.parametrize(
    ("sandbox", "parent", "there"),
    [
        pytest.param("flatpak run org.gimp.GIMP", ".config/GIMP", "3.0", id="flatpak"),
        pytest.param("flatpak run org.gimp.GIMP", ".config/GIMP", "", id="flatpak, never started"),
        pytest.param("flatpak run org.gimp.GIMP", FLATPAK, "3.0", id="flatpak with settings of its own"),
        pytest.param("snap run gimp", SNAP, "3.0", id="snap"),
    ],
)
def test_the_gimp_of_a_sandbox_runs_plug_ins_there(
    home: Path, bin_folder: Path, sandbox: str, parent: str, there: str
) -> None:
    (home / parent / there).mkdir(parents=True)
    name, _, words = sandbox.partition(" ")
    make_program(bin_folder / name, in_sandbox(words, "3.0.8"))
    (found,) = gimps.find([])
    assert (found.name, found.folder, found.side.name) == (f"GIMP 3.0 ({name})", home / parent / "3.0", name)


def test_the_link_by_which_a_snap_is_started_is_no_gimp_of_this_machine(home: Path, bin_folder: Path) -> None:
    make_program(bin_folder / "snap", says("3.0.8"))
    (bin_folder / "gimp").symlink_to(bin_folder / "snap")
    assert gimps.find([]) == []


def test_a_settings_folder_that_two_gimps_share_goes_to_this_machines(home: Path, bin_folder: Path) -> None:
    make_program(bin_folder / "gimp", says("3.0.4"))
    make_program(bin_folder / "flatpak", in_sandbox("run org.gimp.GIMP", "3.0.8"))
    (found,) = gimps.find([])
    assert found.side == sides.this_machine()
    assert "GIMP 3.0 (flatpak) shares its settings" in found.found


def test_a_folder_that_is_named_may_be_that_of_a_sandbox(home: Path, bin_folder: Path) -> None:
    make_program(bin_folder / "flatpak", in_sandbox("run org.gimp.GIMP", "3.2.0"))
    for version in ("3.0", "3.2"):
        (home / ".config/GIMP" / version).mkdir(parents=True)
    found = gimps.find([home / ".config/GIMP/3.0", home / ".config/GIMP/3.2/plug-ins"])
    assert [gimp.name for gimp in found] == ["GIMP 3.0", "GIMP 3.2 (flatpak)"]


@pytest.mark.parametrize(("variable", "front_end"), [("GIMP3_DIRECTORY", "gimp3"), ("GIMP2_DIRECTORY", "gimp2")])
def test_gimps_own_variable_names_a_settings_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, front_end: str
) -> None:
    monkeypatch.setenv(variable, str(home / "mine"))
    (found,) = gimps.find([])
    assert (found.folder, found.front_end) == (home / "mine", front_end)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("portable/settings", "GIMP 3"),
        (".config/GIMP/2.10/plug-ins", "GIMP 2.10"),
        (f"{FLATPAK}/3.0", "GIMP 3.0 (flatpak)"),
        (f"{SNAP}/3.0/plug-ins", "GIMP 3.0 (snap)"),
    ],
)
def test_a_folder_that_is_named_is_the_only_one(home: Path, folder: str, name: str) -> None:
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    (home / folder).mkdir(parents=True, exist_ok=True)
    (found,) = gimps.find([home / folder])
    assert found.name == name
    assert found.plug_ins == home / folder.removesuffix("/plug-ins") / "plug-ins"


def test_programs_that_hang_in_the_way_are_no_gimp(home: Path, bin_folder: Path) -> None:
    make_program(bin_folder / "gimp", "exit 1")
    (bin_folder / "gimp-3.0").symlink_to(bin_folder / "missing")
    (bin_folder / "gimp-3.2").mkdir()
    found: list[Gimp] = gimps.find([])
    assert found == []
