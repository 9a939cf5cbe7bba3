"""Home folders in which install.py runs for real: nothing of this user's is read or written, but pip's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from tests.tiny_models import make_models

REPOSITORY = Path(__file__).resolve().parents[1]
ODD = 'Zoë\'s "été" $HOME'
NAME = "colorize-neural"

Done = subprocess.CompletedProcess[str]
Tree = dict[str, str]


@cache
def pip_cache() -> str:
    command = [sys.executable, "-m", "pip", "cache", "dir"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def make_checkout(folder: Path) -> Path:
    """What a user downloads, with tiny models, and a build for CUDA that cannot use any card."""
    for name in ("installer", "plugin", "samples"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("install.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / "plugin/runtimes/cuda.lock").write_bytes((folder / "plugin/runtimes/cpu.lock").read_bytes())  # no 2 GB
    make_models(folder / "models", ["orange"])
    return folder


def make_program(path: Path, lines: str) -> Path:
    """A program of the shell's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


class Machine:
    """A user's home folder, and a PATH on which there is nothing but what a test puts there."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.home, self.programs, self.checkout = folder / ODD, folder / "programs", checkout
        self.home.mkdir(parents=True)
        self.programs.mkdir()
        self.data = self.home / ".local/share" / NAME
        self.command = self.home / ".local/bin" / NAME

    def gimp_folder(self, version: str) -> Path:
        return self.home / ".config/GIMP" / version

    def add_flatpak(self, version: str) -> Path:
        """A GIMP in a flatpak, with settings of its own -> their folder; its sandbox's Python is this one."""
        python = Path(sys.executable).resolve()
        make_program(
            self.programs / "flatpak",
            f"""case "$*" in
                "run org.gimp.GIMP --version") echo GNU Image Manipulation Program version {version}.8;;
                "run --command=python3 org.gimp.GIMP "*) shift 3; exec {python} "$@";;
                "run --command="*) program=${{2#--command=}}; shift 3; exec "$program" "$@";;
            esac""",
        )
        folder = self.home / ".var/app/org.gimp.GIMP/config/GIMP" / version
        folder.mkdir(parents=True)
        return folder

    def plug_in(self, version: str) -> Path:
        return self.gimp_folder(version) / "plug-ins" / NAME

    def places(self) -> list[Path]:
        """Where our plug-in is, in whichever GIMP."""
        return sorted(path.parent for path in self.home.rglob(f"plug-ins/{NAME}/settings.json"))

    def environment(self, **more: str) -> dict[str, str]:
        astray = ("XDG_", "GIMP", "PYTHON", "COLORIZE_NEURAL_", "VIRTUAL_ENV")
        kept = {name: entry for name, entry in os.environ.items() if not name.startswith(astray)}
        own = {"HOME": str(self.home), "PATH": str(self.programs), "PIP_CACHE_DIR": pip_cache()}
        return kept | own | more

    def install(self, *arguments: str | Path, python: str | Path = sys.executable, **environment: str) -> Done:
        """install.py, to its end."""
        return self.run(python, self.checkout / "install.py", *arguments, **environment)

    def run(self, *command: str | Path, **environment: str) -> Done:
        return subprocess.run(
            command,
            cwd=self.home.parent,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def kill_install_when_it_says(self, words: str) -> None:
        """Starts install.py and kills it with SIGKILL, a moment after it printed these words."""
        process = subprocess.Popen(
            [sys.executable, self.checkout / "install.py"], env=self.environment(), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        with process.stdout as lines:
            assert any(words in line for line in lines)
            time.sleep(1)
            process.kill()
            process.wait()

    def installations(self) -> list[str]:
        folder = self.data / "installations"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def tree(self) -> Tree:
        """Every file, folder and link below the home folder, with what is in it."""
        return tree(self.home)


def tree(folder: Path) -> Tree:
    return {str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*"))}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else f"{path.stat().st_mtime_ns} {path.stat().st_size} {path.stat().st_mode:o}"
