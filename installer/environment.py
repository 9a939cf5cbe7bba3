"""The worker's environment. An installation is a new folder: it becomes current as a whole, or is removed.

<data folder of a side>/installations/<version>-<random>/
    environment/       Python with what the locks name, the package and its models (environments cannot be moved)
    gimp3/, gimp2/     what GIMP 3 and GIMP 2.10 get: the front end, what it imports, settings.json
    colorize-neural    the command; on Windows colorize-neural.cmd
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.settings import Settings

from installer import packages
from installer.packages import ENVIRONMENT, PYTHON, REPOSITORY
from installer.processes import run
from installer.runtimes import Build
from installer.sides import Side

INSTALLATIONS = "installations"
FRONT_ENDS = ("gimp3", "gimp2")
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


def make(side: Side, build: Build, wheels: Path | None) -> Path:
    """A new installation, complete but not yet current -> its folder; where it fails, sweep() takes the rest away.

    wheels: where all packages are, so that no server is asked
    """
    (side.data / INSTALLATIONS).mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{__version__}-", dir=side.data / INSTALLATIONS))
    print(f"Making an environment in {folder} ...", flush=True)
    packages.install(side, build, folder, wheels)
    python = folder / ENVIRONMENT / PYTHON
    asked = "import json, colorize_neural.settings as s; print(json.dumps(str(s.models_folder())))"
    models = run([*side.start(python), "-I", "-c", asked], "The worker cannot be started")
    for front_end in FRONT_ENDS:
        make_plug_in(folder / front_end, Settings(python, Path(json.loads(models)), __version__), front_end)
    command = folder / COMMAND
    command.write_text(_COMMAND_TEXT.format(python=quoted(python)), encoding="utf-8", errors="surrogateescape")
    command.chmod(0o755)
    return folder


def quoted(path: Path) -> str:
    """A path as one word for this system's shell."""
    return shlex.quote(str(path)) if os.name == "posix" else f'"{path}"'


def make_plug_in(folder: Path, told: Settings, front_end: str = "gimp3") -> None:
    """A folder as a GIMP wants it: the front end, the modules that it imports, and what it is told."""
    shutil.copytree(REPOSITORY / "plugin" / front_end, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if front_end == "gimp3":  # the other one is Python 2.7 and imports nothing of ours
        package = folder / "colorize_neural"
        package.mkdir()
        for module in SHARED_MODULES:
            shutil.copyfile(REPOSITORY / f"plugin/colorize_neural/{module}.py", package / f"{module}.py")
    (folder / f"{settings.NAME}.py").chmod(0o755)  # GIMP takes the executable one
    settings.write(folder, told)
