"""install.py as users meet it: real environments, a real worker, homes whose names are odd."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pyvips
from colorize_neural import settings

from tests.disks import small_disk
from tests.machines import NAME, ODD, REPOSITORY, Done, Machine, Tree, make_checkout, make_program, tree

NO_PACKAGES = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/nowhere"}  # the quickest way for an installation to fail
NO_NETWORK = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_NO_CACHE_DIR": "1"}
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


def act(machine: Machine, *arguments: str | Path, **environment: str) -> Story:
    before = machine.tree()
    done = machine.install(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return Story(machine, before, done, machine.tree())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("checkout") / ODD)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Story:
    """One full installation: GIMP 2.10 and 3.0 that were used before, a 3.2 that never was, and a flatpak's 3.0."""
    machine = Machine(tmp_path_factory.mktemp("machine"), checkout)
    others_plug_in = machine.gimp_folder("3.0") / "plug-ins/other/other.py"
    others_plug_in.parent.mkdir(parents=True)
    others_plug_in.write_text("not ours")
    (machine.gimp_folder("2.10") / "plug-ins").mkdir(parents=True)
    version = "GNU Image Manipulation Program version 3.2.6"
    make_program(machine.programs / "gimp-3.2", f"[ $1 = --version ] && echo {version}")
    machine.add_flatpak("3.0")
    return act(machine, "--demo")


@pytest.fixture(scope="module")
def upgraded(installed: Story) -> Story:
    """A newer version, after runs that were killed; meanwhile somebody else's command has our name.

    And a card of NVIDIA's came, which the build for CUDA cannot use.
    """
    for step in ("Making an environment", "Fetching", "Colouring"):
        installed.machine.kill_install_when_it_says(step)
    make_program(installed.machine.programs / "nvidia-smi", "echo NVIDIA Imaginary, 999.9, 9.9")
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
    """GIMP 3.0, 3.2 and the flatpak's, the command and that of the flatpak."""
    checked = machine.install("--check")
    return checked.returncode == 0 and checked.stdout.count(": works.") == 3 + 2 and "BAD" not in checked.stdout


def bad_findings(machine: Machine, *arguments: str | Path) -> list[str]:
    checked = machine.install("--check", *arguments)
    assert is_one_sentence(checked)
    return [line for line in checked.stdout.splitlines() if line.startswith("BAD")]


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


def test_what_was_found_and_what_was_done_is_told(installed: Story) -> None:
    said, machine = installed.done.stdout, installed.machine
    for gimp in ("GIMP 2.10: ", "GIMP 3.0: ", f"GIMP 3.2: {machine.programs / 'gimp-3.2'}", "GIMP 3.0 (flatpak): "):
        assert f"Found {gimp}" in said
    assert "Taking the cpu build of ONNX Runtime: no graphics card" in said
    for place in machine.places():
        assert f"Installed: {place}" in said


def test_a_sandboxed_gimp_has_an_environment_of_its_own_that_the_sandbox_sees(installed: Story) -> None:
    sandbox = installed.machine.home / ".var/app/org.gimp.GIMP"
    told = settings.read(sandbox / "config/GIMP/3.0/plug-ins" / NAME)
    assert sandbox / "data" / NAME in told.python.parents
    assert sandbox / "data" / NAME in told.models.parents


def test_gimp_2_10_gets_its_own_front_end(installed: Story) -> None:
    plug_in = installed.machine.plug_in("2.10")
    assert {path.name for path in plug_in.iterdir()} == {f"{NAME}.py", "settings.json"}
    assert os.access(plug_in / f"{NAME}.py", os.X_OK)
    assert settings.read(plug_in) == settings.read(installed.machine.plug_in("3.0"))


def test_the_check_tells_what_works(installed: Story) -> None:
    assert works(installed.machine)


def test_the_check_names_what_runs(installed: Story) -> None:
    said = installed.machine.install("--check").stdout
    assert "every file is as it was installed; onnxruntime 1." in said
    assert "1 models, all of them intact" in said
    assert "works. Ran on the CPU" in said


def test_the_check_looks_only_at_the_gimp_that_is_named(installed: Story) -> None:
    said = installed.machine.install("--check", "--gimp-folder", installed.machine.gimp_folder("3.2")).stdout
    assert str(installed.machine.plug_in("3.2")) in said
    assert str(installed.machine.plug_in("3.0")) not in said


def test_the_check_of_a_gimp_without_the_plug_in_is_bad(installed: Story, tmp_path: Path) -> None:
    (finding,) = bad_findings(installed.machine, "--gimp-folder", tmp_path)
    assert str(tmp_path / "plug-ins" / NAME) in finding
    assert finding.endswith("run install.py again.")


def test_the_check_notices_a_damaged_model(installed: Story) -> None:
    with damaged(settings.read(installed.machine.plug_in("3.0")).models / "orange.onnx"):
        findings = bad_findings(installed.machine)
    assert "orange.onnx is missing or damaged" in findings[-2]
    assert all("run install.py again" in finding for finding in findings)


def test_the_check_notices_a_package_that_was_changed(installed: Story) -> None:
    site_packages = settings.read(installed.machine.plug_in("3.0")).models.parents[1]
    with damaged(site_packages / "numpy/py.typed"):
        (finding,) = bad_findings(installed.machine)
    assert "numpy/py.typed" in finding


def test_the_check_passes_on_what_the_plug_in_says(installed: Story) -> None:
    with damaged(installed.machine.plug_in("3.0") / "settings.json"):
        (finding,) = bad_findings(installed.machine)
    assert "Colorize (neural) is not completely installed" in finding


def test_the_check_notices_a_front_end_that_gimp_would_pass_over(installed: Story) -> None:
    front_end = installed.machine.plug_in("3.0") / f"{NAME}.py"
    front_end.chmod(0o644)
    try:
        (finding,) = bad_findings(installed.machine)
    finally:
        front_end.chmod(0o755)
    assert "cannot be run" in finding


@pytest.mark.parametrize(
    ("version", "known", "finding"),
    [
        ("3.0", "plug-in-colorize-neural", "ok    GIMP 3.0 knows the plug-in"),
        ("3.0", "plug-in-other", "BAD   GIMP 3.0 was started but does not take the plug-in: start it from a terminal"),
        ("2.10", "python-fu-colorize-neural", "ok    GIMP 2.10 knows the plug-in"),
        ("2.10", "python-fu-other", "BAD   GIMP 2.10 was started but does not take the plug-in: it may have no Python"),
    ],
)
def test_the_check_knows_from_gimps_own_notes_whether_it_took_the_plug_in(
    installed: Story, version: str, known: str, finding: str
) -> None:
    folder = installed.machine.gimp_folder(version)
    (folder / "pluginrc").write_text(f'(proc-def "{known}" 1)')
    try:
        said = installed.machine.install("--check", "--gimp-folder", folder).stdout
    finally:
        (folder / "pluginrc").unlink()
    assert finding in said


@contextlib.contextmanager
def damaged(file: Path) -> Iterator[None]:
    intact = file.read_bytes()
    file.write_bytes(intact + b"!")
    try:
        yield
    finally:
        file.write_bytes(intact)


def test_nothing_is_written_into_the_checkout(checkout: Path, installed: Story) -> None:
    fresh = make_checkout(installed.machine.home.parent / "fresh")
    assert {path for path in tree(checkout) if "__pycache__" not in path} == set(tree(fresh))


def test_the_help_page_is_installed_where_the_plug_in_looks_for_it(installed: Story) -> None:
    plug_in = installed.machine.gimp_folder("3.0") / "plug-ins" / NAME
    assert 'ref="index.html"' in (plug_in / "help/en/gimp-help.xml").read_text()
    assert "Colorize (neural)" in (plug_in / "help/en/index.html").read_text()


def test_nothing_is_written_elsewhere_at_home(installed: Story) -> None:
    new = {path for path in installed.after if path not in installed.before}
    plug_ins = tuple(f".config/GIMP/{version}/plug-ins/{NAME}" for version in ("2.10", "3.0"))
    sandbox = ".var/app/org.gimp.GIMP"
    ours = (f".local/share/{NAME}", *plug_ins, ".config/GIMP/3.2", ".local/bin", f"{sandbox}/data/{NAME}")
    others = {".local", ".local/share", f"{sandbox}/data"}
    assert {path for path in new if not path.startswith((*ours, f"{sandbox}/config/GIMP/3.0/plug-ins"))} == others


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        pytest.param(NO_PACKAGES, "pip finds no package", id="no packages"),
        pytest.param(NO_NETWORK, "connection", id="no network"),
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
    assert "AttributeError" in log.read_text().rpartition("Traceback")[2]


def test_a_killed_run_leaves_the_former_installation_working(installed: Story) -> None:
    machine = installed.machine
    former = machine.installations()
    machine.kill_install_when_it_says("Fetching")
    assert len(machine.installations()) == len(former) + 1
    assert works(machine)


def test_running_again_upgrades(upgraded: Story) -> None:
    machine = upgraded.machine
    assert [settings.read(place).version for place in machine.places()] == ["9.9.9"] * 4
    assert machine.run(machine.command, "--version").stdout.split() == [NAME, "9.9.9"]
    assert works(machine)


def test_an_upgrade_removes_the_former_installation_and_what_a_killed_run_left(upgraded: Story) -> None:
    (installation,) = upgraded.machine.installations()
    assert installation.startswith("9.9.9-")


def test_where_the_gpu_build_makes_no_session_the_cpu_build_is_taken(upgraded: Story) -> None:
    said = upgraded.done.stdout
    assert "Taking the cuda build of ONNX Runtime: there is a card of NVIDIA's (NVIDIA Imaginary" in said
    assert "The cuda build does not run here, so the cpu build is taken instead." in said


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
    data = (machine.data, machine.home / ".var/app/org.gimp.GIMP/data" / NAME)
    plug_ins = {machine.home / path for path in uninstalled.before if path.endswith(f"/plug-ins/{NAME}")}
    assert removed == set(map(str, (*plug_ins, machine.command, *data)))


def test_what_is_not_installed_cannot_be_checked_but_uninstalled(uninstalled: Story) -> None:
    findings = bad_findings(uninstalled.machine)
    assert f"Nothing is installed in {uninstalled.machine.data}" in findings[-2]
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


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Story:
    """A machine that no server answers, with the packages of another one; and a file where its command should be."""
    wheels = tmp_path_factory.mktemp("wheels") / ODD
    other = act(Machine(tmp_path_factory.mktemp("other"), checkout), "--prepare-offline", wheels).machine
    assert [path.name for path in other.data.iterdir()] == [f"{NAME}.log"]
    machine = Machine(tmp_path_factory.mktemp("offline"), checkout)
    machine.gimp_folder("3.0").mkdir(parents=True)
    machine.command.parent.parent.mkdir()
    machine.command.parent.write_text("theirs")
    return act(machine, "--offline", wheels, **NO_NETWORK)


def test_what_was_fetched_elsewhere_can_be_installed_offline(offline: Story) -> None:
    assert offline.machine.install("--check").returncode == 0
    assert "Downloading" not in offline.done.stdout


def test_where_the_command_cannot_be_linked_its_own_path_is_told(offline: Story) -> None:
    machine = offline.machine
    assert f"/{NAME}/bin/{NAME}' PHOTO -o RESULT" in offline.done.stdout
    assert machine.run(machine.data / "bin" / NAME, "--version").returncode == 0
    assert machine.command.parent.read_text() == "theirs"


def test_an_installation_whose_data_folder_was_deleted_can_be_uninstalled(offline: Story) -> None:
    machine = offline.machine
    kept_by_gimp = machine.gimp_folder("3.0") / f"plug-in-settings/GimpProcedureConfigRun-plug-in-{NAME}.last"
    kept_by_gimp.parent.mkdir()
    kept_by_gimp.write_text("")
    shutil.rmtree(machine.data)
    removed = act(machine, "--uninstall")
    assert removed.done.stdout.splitlines() == [f"Removed: {machine.plug_in('3.0')}"]
    assert not any(NAME in path for path in removed.after)
    again = act(machine, "--uninstall")
    assert again.done.stdout == "Nothing is installed.\n"
    assert again.after == again.before


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_folder_without_the_packages_is_a_sentence(fresh: Machine, tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    done = fresh.install("--offline", tmp_path / folder)
    assert is_one_sentence(done)
    assert "--prepare-offline" in done.stderr
    assert fresh.installations() == []


def test_a_build_that_this_machine_cannot_have_is_a_sentence(fresh: Machine) -> None:
    done = fresh.install("--device", "directml")
    assert is_one_sentence(done)
    assert "--device auto" in done.stderr


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
    lock = (REPOSITORY / "plugin/requirements.lock").read_text() + (REPOSITORY / "plugin/runtimes/cpu.lock").read_text()
    for requirement in ("numpy", "opencv-python-headless", "onnxruntime", "pyvips", "pyvips-binary"):
        assert re.search(rf"^{requirement}==\S+.*\\\n    --hash=sha256:", lock, re.MULTILINE)


@pytest.mark.parametrize("lock", sorted((REPOSITORY / "plugin").rglob("*.lock")), ids=lambda lock: lock.stem)
def test_no_lock_names_a_server(lock: Path) -> None:
    assert "://" not in lock.read_text()
