"""The worker's environment. An installation is a new folder: it becomes current as a whole, or is removed.

<data folder>/installations/<version>-<random>/
    environment/       Python with what the locks name, the package and its models (environments cannot be moved)
    plug-in/           what GIMP gets: the front end, the part of the package that it imports, settings.json
    colorize-neural    the command; on Windows colorize-neural.cmd
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from colorize_neural import __version__, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
INSTALLATIONS = "installations"
PLUG_IN = "plug-in"
SHARED_MODULES = (  # what the front end imports
    *("__init__", "errors", "protocol", "client", "previewer", "settings"),
    *("batch", "folders", "journal", "lock", "progress"),
)

#            name, text: a name of our own, for a shebang line bears no blank, quote or long path
_COMMANDS = {
    "posix": ("colorize-neural", '#!/bin/sh\nexec {python} -I -m colorize_neural.cli "$@"\n'),
    "nt": ("colorize-neural.cmd", "@{python} -I -m colorize_neural.cli %*\n"),
}
COMMAND, _COMMAND_TEXT = _COMMANDS[os.name]
_PYTHON = {"posix": "bin/python", "nt": "Scripts/python.exe"}[os.name]

_HASHED = ("--require-hashes", "--only-binary=:all:")
#         what is said, what pip installs
_STEPS = (
    ("Fetching what it needs (about 110 MB) ...", (*_HASHED, "-r", "plugin/build.lock")),
    # pyvips comes as source only; it is pure Python as long as it finds no libvips to compile against
    ("", (*_HASHED, "--no-binary=pyvips", "--no-build-isolation", "-r", "plugin/requirements.lock")),
    (f"Installing Colorize (neural) {__version__} and its models ...", ("--no-deps", "--no-build-isolation", ".")),
)
_MISLEADING = ("PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE", "PIP_CONSTRAINT", "COLORIZE_NEURAL_")
_OWN = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PKG_CONFIG": "no-pkg-config"}

_FULL = "there is no space left: please free about 600 MB in {data} and in the temporary folder"
_OFFLINE = "the server of the Python packages cannot be reached: please check the connection and pip's proxy settings"
_REMEDIES = (  # what pip says, what it means; the first one counts
    ("No space left on device", _FULL),
    ("Disk quota exceeded", _FULL),
    ("DO NOT MATCH THE HASHES", "what came is not what we expect: please try again, perhaps from another network"),
    ("Retrying (", _OFFLINE),
    ("Could not fetch URL", _OFFLINE),
    (
        "No matching distribution found",
        "pip finds no package for {python}: please look at `pip config list`, or use another Python, 3.10 to 3.14",
    ),
)


def require_venv() -> None:
    """Where a system splits Python in packages, the part that makes environments may be missing."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = "{}.{}".format(*sys.version_info)
        raise ColorizeError(
            f"This Python cannot make environments, for it has no {' or '.join(missing)}: please install it (on "
            f"Debian or Ubuntu: sudo apt install python{version}-venv) or use another Python, and run install.py again."
        )


def make(data: Path) -> Path:
    """A new installation, complete but not yet current -> its folder; where it fails, sweep() takes the rest away."""
    (data / INSTALLATIONS).mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{__version__}-", dir=data / INSTALLATIONS))
    print(f"Making an environment in {folder} ...", flush=True)
    python = folder / "environment" / _PYTHON
    run([sys.executable, "-I", "-m", "venv", folder / "environment"], "The environment cannot be made")
    for said, arguments in _STEPS:
        if said:
            print(said, flush=True)
        run([python, "-I", "-m", "pip", "install", *arguments], "The worker cannot be installed")
    models = run(
        [python, "-I", "-c", "import json, colorize_neural.settings as s; print(json.dumps(str(s.models_folder())))"],
        "The worker cannot be started",
    )
    make_plug_in(folder / PLUG_IN, Settings(python, Path(json.loads(models)), __version__))
    command = folder / COMMAND
    command.write_text(_COMMAND_TEXT.format(python=quoted(python)), encoding="utf-8", errors="surrogateescape")
    command.chmod(0o755)
    return folder


def quoted(path: Path) -> str:
    """A path as one word for this system's shell."""
    return shlex.quote(str(path)) if os.name == "posix" else f'"{path}"'


def run(command: Sequence[str | Path], failure: str, *, ours: bool = False) -> str:
    """The last line that the command prints, all is kept in the log; ColorizeError(failure, the reason, a remedy).

    A program of ours fails with a sentence that names the remedy: then the error is that sentence alone.
    """
    kept = {name: entry for name, entry in os.environ.items() if not name.startswith(_MISLEADING)}
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=kept | _OWN,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = _followed(process)
    with contextlib.suppress(OSError), settings.open_log() as log:
        log.write(output.encode())
    if process.returncode:
        if ours and _ends_with_a_sentence(output):
            raise ColorizeError(_last_line(output))
        raise ColorizeError(f"{failure}, for {_reason(output)}, and run install.py again.")
    return _last_line(output)


def _followed(process: subprocess.Popen[bytes]) -> str:
    """All that a process prints, to its end; what pip downloads is shown."""
    lines = []
    try:
        for line in io.TextIOWrapper(cast(BinaryIO, process.stdout), "utf-8", "replace"):
            lines.append(line)
            if line.lstrip().startswith("Downloading "):
                print(f"  {line.strip()}", flush=True)
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
    return "".join(lines)


def _reason(output: str) -> str:
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for said, meaning in _REMEDIES:
        if said in output:
            return meaning.format(data=settings.data_folder(), python=system)
    said = _last_line(output) or "it ended without a word"
    return f"{said.rstrip('.')}: please look into {settings.log_file()}"


def _ends_with_a_sentence(output: str) -> bool:
    return _last_line(output).endswith(".") and "Traceback (" not in output


def _last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2]


def make_plug_in(folder: Path, told: Settings) -> None:
    """A folder as GIMP wants it: the front end, the modules that it imports, and what it is told."""
    package = folder / "colorize_neural"
    package.mkdir(parents=True)
    for module in SHARED_MODULES:
        shutil.copyfile(REPOSITORY / f"plugin/colorize_neural/{module}.py", package / f"{module}.py")
    for file in (REPOSITORY / "plugin/gimp3").glob("*.py"):
        shutil.copyfile(file, folder / file.name)
    shutil.copytree(REPOSITORY / "plugin/gimp3/help", folder / "help")
    (folder / f"{settings.NAME}.py").chmod(0o755)  # GIMP takes the executable one
    settings.write(folder, told)
