"""install.py as users meet it: real environments, a real worker, homes whose names are odd."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvips
from colorize_neural import settings

from tests.disks import small_disk
from tests.machines import NAME, ODD, REPOSITORY, Done, Machine, Tree, make_checkout, tree

NO_PACKAGES = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"}  # the quickest way for an installation to fail
FRONT_END = {file.name for file in (REPOSITORY / "plugin/gimp3").glob("*.py")} | {
    "colorize_neural",
    "help",
    "settings.json",
}


@dataclass
class Story:
    """What happened on a machine: its home before, what install.py said, its home afterwards."""

    machine: Machine
    before: Tree
    done: Done
    after: Tree


def act(machine: Machine, *arguments: str | Path) -> Story:
    before = machine.tree()
    done = machine.install(*arguments)
    assert done.returncode == 0, done.stderr
    return Story(machine, before, done, machine.tree())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("checkout") / ODD)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Story:
    """One full installation: a GIMP 3.0 that was used before, and a GIMP 3.2 that was never started."""
    machine = Machine(tmp_path_factory.mktemp("machine"), checkout)
    others_plug_in = machine.gimp_folder("3.0") / "plug-ins/other/other.py"
    others_plug_in.parent.mkdir(parents=True)
    others_plug_in.write_text("not ours")
    (machine.gimp_folder("2.10") / "plug-ins").mkdir(parents=True)
    gimp = machine.programs / "gimp-3.2"
    gimp.write_text("#!/bin/sh\n[ $1 = --version ] && echo GNU Image Manipulation Program version 3.2.6\n")
    gimp.chmod(0o755)
    return act(machine, "--demo")


@pytest.fixture(scope="module")
def upgraded(installed: Story) -> Story:
    """A newer version, after a run that was killed; meanwhile somebody else's command has our name."""
    installed.machine.kill_install_when_it_says("Fetching")
    package = installed.machine.checkout / "plugin/colorize_neural/__init__.py"
    package.write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9.9"', package.read_text()))
    command = installed.machine.command
    link = command.readlink()
    command.unlink()
    command.write_text("theirs")
    story = act(installed.machine)
    command.unlink()
    command.symlink_to(link)
    return story


@pytest.fixture(scope="module")
def uninstalled(upgraded: Story) -> Story:
    return act(upgraded.machine, "--uninstall")


def works(machine: Machine) -> bool:
    checked = machine.install("--check")
    return checked.returncode == 0 and checked.stdout.count("works") == 1 + 2


def is_one_sentence(done: Done) -> bool:
    lines = done.stderr.strip().splitlines()
    return done.returncode == 1 and len(lines) == 1 and lines[0].endswith(".")


@pytest.mark.parametrize("version", ["3.0", "3.2"])
def test_every_gimp_3_gets_a_folder_with_one_executable_of_its_name(installed: Story, version: str) -> None:
    plug_in = installed.machine.plug_in(version)
    assert {path.name for path in plug_in.iterdir()} == FRONT_END
    assert [path.name for path in plug_in.rglob("*.py") if os.access(path, os.X_OK)] == [f"{NAME}.py"]


def test_what_the_front_end_is_told_is_there(installed: Story) -> None:
    told = settings.read(installed.machine.plug_in("3.0"))
    assert os.access(told.python, os.X_OK)
    assert (told.models / "manifest.json").is_file()
    assert told.version == "0.1.0"


def test_it_says_in_two_lines_what_to_click_or_type(installed: Story) -> None:
    in_gimp, without_gimp = installed.done.stdout.splitlines()[-3:-1]
    assert "Colors > Colorize (neural)" in in_gimp
    assert without_gimp.endswith("PHOTO -o RESULT")


def test_the_demo_is_a_photograph_in_colours(installed: Story) -> None:
    file = installed.done.stdout.splitlines()[-1].partition(": ")[2]
    result = pyvips.Image.new_from_file(file)
    sample = pyvips.Image.new_from_file(str(REPOSITORY / "samples" / Path(file).name))
    assert (result.width, result.height, result.bands) == (sample.width, sample.height, 3)
    assert result.extract_band(0).avg() > result.extract_band(2).avg() + 10  # the tiny model's colour is orange


def test_the_command_works_under_the_name_that_it_tells(installed: Story) -> None:
    machine = installed.machine
    told = installed.done.stdout.splitlines()[-2].partition(": ")[2].removesuffix(" PHOTO -o RESULT")
    sample, result = REPOSITORY / "samples/migrant-mother-1936.jpg", machine.home.parent / 'a "result".png'
    done = machine.run("/bin/sh", "-c", f'{told} "$0" -o "$1"', sample, result, PYTHONHOME="/nowhere")
    assert done.returncode == 0, done.stderr
    assert result.is_file()


def test_the_check_tells_what_works(installed: Story) -> None:
    assert works(installed.machine)


def test_the_check_notices_a_damaged_model(installed: Story) -> None:
    model = settings.read(installed.machine.plug_in("3.0")).models / "orange.onnx"
    intact = model.read_bytes()
    model.write_bytes(intact + b"!")
    try:
        done = installed.machine.install("--check")
    finally:
        model.write_bytes(intact)
    assert is_one_sentence(done)
    assert "damaged" in done.stderr
    assert done.stderr.count("install.py") == 1


def test_the_check_passes_on_what_the_plug_in_says(installed: Story) -> None:
    told = installed.machine.plug_in("3.0") / "settings.json"
    intact = told.read_text()
    told.write_text("{")
    try:
        done = installed.machine.install("--check")
    finally:
        told.write_text(intact)
    assert is_one_sentence(done)
    assert done.stderr.startswith("Colorize (neural) is not completely installed")
    assert done.stderr.count("install.py") == 1


def test_nothing_is_written_into_the_checkout(checkout: Path, installed: Story) -> None:
    fresh = make_checkout(installed.machine.home.parent / "fresh")
    assert {path for path in tree(checkout) if "__pycache__" not in path} == set(tree(fresh))


def test_the_help_page_is_installed_where_the_plug_in_looks_for_it(installed: Story) -> None:
    plug_in = installed.machine.gimp_folder("3.0") / "plug-ins" / NAME
    assert 'ref="index.html"' in (plug_in / "help/en/gimp-help.xml").read_text()
    assert "Colorize (neural)" in (plug_in / "help/en/index.html").read_text()


def test_nothing_is_written_elsewhere_at_home(installed: Story) -> None:
    new = {path for path in installed.after if path not in installed.before}
    ours = (f".local/share/{NAME}/", f".config/GIMP/3.0/plug-ins/{NAME}", ".config/GIMP/3.2", ".local/bin")
    assert {path for path in new if not path.startswith(ours)} == {".local", ".local/share", f".local/share/{NAME}"}


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        pytest.param(NO_PACKAGES, "pip finds no package", id="no packages"),
        pytest.param(
            {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_CACHE_DIR": "1"},
            "connection",
            id="no network",
        ),
    ],
)
def test_where_packages_cannot_be_had_the_former_installation_works(
    installed: Story, environment: dict[str, str], told: str
) -> None:
    machine = installed.machine
    former = machine.installations()
    done = machine.install(PIP_RETRIES="1", PIP_EXTRA_INDEX_URL="", **environment)
    assert is_one_sentence(done)
    assert told in done.stderr
    assert machine.installations() == former
    assert works(machine)


def test_a_python_that_cannot_make_environments_is_told_what_to_install(
    installed: Story, python_without_ensurepip: Path
) -> None:
    before = installed.machine.tree()
    done = installed.machine.install(python=python_without_ensurepip)
    assert is_one_sentence(done)
    assert "-venv" in done.stderr
    assert installed.machine.tree() == before


@pytest.fixture(scope="module")
def python_without_ensurepip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This Python in a folder of links, as Debian splits it."""
    prefix, library = tmp_path_factory.mktemp("python"), Path(sysconfig.get_path("stdlib"))
    python = prefix / "bin" / Path(sys.executable).name
    copied = prefix / "lib" / library.name
    for folder in (python.parent, copied):
        folder.mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), python)
    for path in library.iterdir():
        if path.name != "ensurepip":
            (copied / path.name).symlink_to(path)
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython*"):
        (prefix / "lib" / shared.name).symlink_to(shared)
    return python


def test_a_file_where_gimps_plug_ins_should_be_changes_nothing(installed: Story, tmp_path: Path) -> None:
    machine = installed.machine
    (tmp_path / "plug-ins").write_text("")
    former = machine.installations()
    done = machine.install("--gimp-folder", tmp_path)
    assert is_one_sentence(done)
    assert str(tmp_path / "plug-ins") in done.stderr
    assert machine.installations() == former
    assert works(machine)


def test_somebody_elses_plug_in_of_our_name_stays(installed: Story, tmp_path: Path) -> None:
    theirs = tmp_path / "plug-ins" / NAME / f"{NAME}.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    done = installed.machine.install("--gimp-folder", tmp_path)
    assert is_one_sentence(done)
    assert "move it away" in done.stderr
    assert theirs.read_text() == "theirs"


def test_a_gimp_folder_that_is_not_there_is_a_sentence(installed: Story, tmp_path: Path) -> None:
    done = installed.machine.install("--gimp-folder", tmp_path / "missing")
    assert is_one_sentence(done)
    assert "Preferences" in done.stderr


def test_only_one_install_works_at_a_time(installed: Story) -> None:
    with (installed.machine.data / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = installed.machine.install()
    assert is_one_sentence(done)
    assert "Another install.py" in done.stderr


def test_a_plug_in_that_was_on_its_way_out_when_the_run_was_killed_comes_back(installed: Story) -> None:
    machine = installed.machine
    plug_in = machine.plug_in("3.2")
    plug_in.rename(plug_in.with_name(f".{NAME}.former"))
    machine.install(**NO_PACKAGES)
    assert works(machine)
    assert {path.name for path in plug_in.parent.iterdir()} == {NAME}


def test_a_surprise_keeps_its_traceback_in_the_log(installed: Story) -> None:
    remembered = installed.machine.data / "installed.json"
    intact = remembered.read_text()
    remembered.write_text(json.dumps({"plug_ins": 7}))
    try:
        done = installed.machine.install("--check")
    finally:
        remembered.write_text(intact)
    log = installed.machine.data / f"{NAME}.log"
    assert is_one_sentence(done)
    assert str(log) in done.stderr
    assert "TypeError" in log.read_text().rpartition("Traceback")[2]


def test_a_killed_run_leaves_the_former_installation_working(installed: Story) -> None:
    machine = installed.machine
    former = machine.installations()
    machine.kill_install_when_it_says("Fetching")
    assert len(machine.installations()) == len(former) + 1
    assert works(machine)


def test_running_again_upgrades(upgraded: Story) -> None:
    machine = upgraded.machine
    assert [settings.read(machine.plug_in(version)).version for version in ("3.0", "3.2")] == ["9.9.9", "9.9.9"]
    assert machine.run(machine.command, "--version").stdout.split() == [NAME, "9.9.9"]
    assert works(machine)


def test_an_upgrade_removes_the_former_installation_and_what_a_killed_run_left(upgraded: Story) -> None:
    (installation,) = upgraded.machine.installations()
    assert installation.startswith("9.9.9-")


def test_somebody_elses_command_of_our_name_stays(upgraded: Story) -> None:
    theirs = f".local/bin/{NAME}"
    assert upgraded.after[theirs] == upgraded.before[theirs]
    assert upgraded.done.stdout.strip().endswith("/bin/colorize-neural' PHOTO -o RESULT")


def test_gimp_notices_an_upgrade_by_a_new_time_stamp(upgraded: Story) -> None:
    front_end = f".config/GIMP/3.0/plug-ins/{NAME}/{NAME}.py"
    assert upgraded.after[front_end] != upgraded.before[front_end]


def test_uninstalling_leaves_exactly_what_was_there_before(installed: Story, uninstalled: Story) -> None:
    assert uninstalled.after == installed.before


def test_uninstalling_tells_what_it_removed(uninstalled: Story) -> None:
    machine = uninstalled.machine
    removed = {line.partition(": ")[2] for line in uninstalled.done.stdout.splitlines()}
    assert removed == set(map(str, (machine.plug_in("3.0"), machine.plug_in("3.2"), machine.command, machine.data)))


def test_what_is_not_installed_cannot_be_checked_but_uninstalled(uninstalled: Story) -> None:
    checked = uninstalled.machine.install("--check")
    assert is_one_sentence(checked)
    assert "not installed" in checked.stderr
    assert uninstalled.machine.install("--uninstall").returncode == 0


@pytest.fixture
def fresh(tmp_path: Path, checkout: Path) -> Machine:
    """A machine on which nothing was installed."""
    return Machine(tmp_path / "machine", checkout)


def test_a_first_installation_that_fails_leaves_only_its_log(fresh: Machine) -> None:
    fresh.gimp_folder("3.0").mkdir(parents=True)
    before = fresh.tree()
    assert is_one_sentence(fresh.install(**NO_PACKAGES))
    assert not fresh.plug_in("3.0").parent.exists()
    assert fresh.installations() == []
    assert fresh.install("--uninstall").returncode == 0
    assert fresh.tree() == before


def test_an_installation_whose_data_folder_was_deleted_can_be_uninstalled(fresh: Machine) -> None:
    fresh.gimp_folder("3.0").mkdir(parents=True)
    act(fresh)
    shutil.rmtree(fresh.data)
    removed = act(fresh, "--uninstall")
    assert removed.done.stdout.splitlines() == [f"Removed: {place}" for place in (fresh.plug_in("3.0"), fresh.command)]
    assert not any(NAME in path for path in removed.after)
    again = act(fresh, "--uninstall")
    assert again.done.stdout == "Nothing is installed.\n"
    assert again.after == again.before


def test_where_the_command_cannot_be_linked_its_own_path_is_told(fresh: Machine) -> None:
    in_the_way = fresh.command.parent
    in_the_way.parent.mkdir()
    in_the_way.write_text("theirs")
    story = act(fresh)
    assert f"/{NAME}/bin/{NAME}' PHOTO -o RESULT" in story.done.stdout
    assert fresh.run(fresh.data / "bin" / NAME, "--version").returncode == 0
    assert in_the_way.read_text() == "theirs"


def test_a_full_disk_is_a_sentence_and_leaves_nothing(fresh: Machine, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small disk", "64m") as disk:  # an environment fits, but not what it needs
        done = fresh.install(XDG_DATA_HOME=str(disk))
        assert is_one_sentence(done)
        assert "no space left" in done.stderr
        assert list((disk / NAME / "installations").iterdir()) == []


def test_an_interrupted_run_says_so(fresh: Machine) -> None:
    process = subprocess.Popen(
        [sys.executable, fresh.checkout / "install.py"],
        env=fresh.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - background jobs ignore it
    )
    assert process.stdout
    assert any("Fetching" in line for line in process.stdout)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said.strip() == "Stopped: what was installed before is as it was."
    assert fresh.installations() == []


def old_pythons() -> list[Path]:
    """Pythons before 3.10, beside this one or of the system."""
    names = [f"python{version}" for version in ("2.7", "3.6", "3.7", "3.8", "3.9")]
    beside = [path for name in names for path in Path(sys.base_prefix).parent.glob(f"*/bin/{name}")]
    return beside + [Path(found) for name in names if (found := shutil.which(name, path=os.defpath))]


@pytest.mark.parametrize("python", old_pythons() or [None], ids=lambda python: python.name if python else "none")
def test_an_older_python_is_told_to_take_a_newer_one(python: Path | None, fresh: Machine) -> None:
    if python is None:
        pytest.skip("there is no Python before 3.10 on this machine")
    done = fresh.install(python=python)
    assert done.returncode == 1
    assert "needs Python 3.10" in done.stderr


def test_the_lock_names_every_requirement_with_its_hashes() -> None:
    lock = (REPOSITORY / "plugin/requirements.lock").read_text()
    for requirement in ("numpy", "opencv-python-headless", "onnxruntime", "pyvips", "pyvips-binary"):
        assert re.search(rf"^{requirement}==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_no_lock_names_a_server(name: str) -> None:
    assert "://" not in (REPOSITORY / "plugin" / name).read_text()
