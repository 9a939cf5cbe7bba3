"""install.py's switch to a new installation, killed before each change of the disk: another run always mends it."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from colorize_neural import settings
from colorize_neural.settings import Settings

from installer import environment, sides
from installer.gimps import Gimp
from installer.places import Places
from tests.machines import NAME

FOLDERS = (".config/GIMP/3.0", ".config/GIMP/3.2", ".config/GIMP/2.10")
CHANGES = {
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.symlink",
    "os.chmod",
    "shutil.copyfile",
    "ctypes.dlsym",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three GIMPs with version 1 of the plug-in."""
    home = tmp_path / "before"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local/share"))
    for folder in FOLDERS:
        (home / folder).mkdir(parents=True)
    install(home, "1")
    return home


def make_installation(version: str) -> Path:
    """What environment.make() makes, but for the environment."""
    folder = Path(tempfile.mkdtemp(prefix=f"{version}-", dir=sides.this_machine().data / "installations"))
    for front_end in ("gimp3", "gimp2"):
        (folder / front_end / "package").mkdir(parents=True)
        for file in (f"{NAME}.py", "package/module.py"):
            (folder / front_end / file).write_text(version)
        settings.write(folder / front_end, Settings(folder / "python", folder / "models", version))
    (folder / environment.COMMAND).write_text(str(folder))
    return folder


def install(home: Path, version: str) -> None:
    """As install.py does."""
    places = Places(sides.this_machine())
    with places.held():
        places.sweep()
        places.prepare(Gimp(folder.rpartition("/")[2], home / folder, "", places.side) for folder in FOLDERS)
        (places.data / "installations").mkdir(exist_ok=True)
        places.switch_to(make_installation(version))
        places.link_command()
        places.sweep()


def killed_before(change: int, act: Callable[[], None]) -> bool:
    """Runs `act` in a process that is killed before that change of the disk; False where it ends before."""

    def run() -> None:
        left = change

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_CREAT)
            if event in CHANGES or writes:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        act()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def killed_before_each(kept: Path, home: Path, act: Callable[[], None]) -> Iterator[None]:
    """Leaves in `home`, which begins as `kept`, what each kill leaves there, and at last what the whole act does."""
    killed = True
    for change in itertools.count(1):
        if not killed:
            return
        shutil.rmtree(home)
        shutil.copytree(kept, home, symlinks=True)
        killed = killed_before(change, act)
        yield


def state(home: Path) -> dict[str, str]:
    """Every file and link with its text; installations have names that do not matter."""
    files = [path for path in home.rglob("*") if path.is_symlink() or path.is_file()]
    return {
        anonymous(str(path.relative_to(home))): anonymous(os.readlink(path) if path.is_symlink() else path.read_text())  # noqa: PTH115
        for path in files
    }


def anonymous(text: str) -> str:
    return re.sub(r"installations/(\d)-\w+", r"installations/\1-", text)


def versions(home: Path) -> list[str]:
    """Which version each GIMP has, the one that lies hidden because it was on its way out where it has none."""
    found: list[str] = []
    for folder in FOLDERS:
        places = (home / folder / "plug-ins" / name for name in (NAME, f".{NAME}.former"))
        place = next(place for place in places if place.is_dir())
        texts = {(place / file).read_text() for file in (f"{NAME}.py", "package/module.py")}
        assert texts == {settings.read(place).version}  # never of two versions
        found += texts
    return found


def test_a_switch_that_is_killed_leaves_whole_plug_ins_and_the_next_run_mends_it(home: Path) -> None:
    kept = home.with_name("kept")
    shutil.copytree(home, kept, symlinks=True)
    install(home, "2")
    mended = state(home)
    seen = []
    for _ in killed_before_each(kept, home, lambda: install(home, "2")):
        seen.append(tuple(versions(home)))
        install(home, "2")
        assert state(home) == mended
    assert len(seen) > 30
    assert set(seen) == {("1", "1", "1"), ("2", "1", "1"), ("2", "2", "1"), ("2", "2", "2")}


def test_an_uninstallation_that_is_killed_is_finished_by_the_next(home: Path) -> None:
    kept = home.with_name("kept")
    shutil.copytree(home, kept, symlinks=True)

    def uninstall() -> None:
        places = Places(sides.this_machine())
        with places.held():
            places.remove(Gimp(folder.rpartition("/")[2], home / folder, "", places.side) for folder in FOLDERS)
        places.remove_data()

    left = []
    for _ in killed_before_each(kept, home, uninstall):
        uninstall()
        left.append(state(home))
    assert len(left) > 10
    assert not any(left)
