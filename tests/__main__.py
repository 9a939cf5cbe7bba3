"""`python3 -m tests [pytest's arguments]`: every check of the project, in an environment of its own.

The environment is made anew when pyproject.toml or the Python is another. The exit code is 0 when all checks pass;
pytest comes last, so that its summary is the last line.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = REPOSITORY / ".environments" / "tests"
PROGRAMS = ENVIRONMENT / {"posix": "bin", "nt": "Scripts"}[os.name]
STAMP = ENVIRONMENT / "made-from"

# two at once, for many wait for a GIMP or a server; more would need the memory of as many trainings
IN_PARALLEL = ("--numprocesses", "auto", "--maxprocesses", "2", "--dist", "loadfile")
ONE_CORE = {"OMP_NUM_THREADS": "1"}  # PyTorch's threads would wait for each other in turns with the other one's
CHECKS = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy", "."))


def main() -> int:
    """0 when every check passed, else 1."""
    if not is_made():
        make()
    failed = [" ".join(check) for check in CHECKS if not passes(*check)]
    if failed:
        print(f"Failed: {', '.join(failed)}", flush=True)
    return 0 if passes("pytest", *IN_PARALLEL, *sys.argv[1:]) and not failed else 1


def passes(program: str, *arguments: str) -> bool:
    """Whether a program of the environment, run as a module in the repository, is content."""
    command = [str(PROGRAMS / "python"), "-m", program, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=os.environ | ONE_CORE, check=False).returncode == 0


def is_made() -> bool:
    return STAMP.is_file() and STAMP.read_text() == made_from()


def make() -> None:
    """Makes the environment; the stamp comes last, so that a killed run is noticed."""
    print(f"Making the environment of the tests in {ENVIRONMENT} (some minutes) ...", flush=True)
    venv.create(ENVIRONMENT, clear=True, with_pip=True)
    install = [str(PROGRAMS / "python"), "-m", "pip", "install", "--quiet", "--editable", ".[export,test]"]
    if subprocess.run(install, cwd=REPOSITORY, check=False).returncode:
        sys.exit("The environment of the tests cannot be made: what pip says above tells why.")
    STAMP.write_text(made_from())


def made_from() -> str:
    return hashlib.sha256((REPOSITORY / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
