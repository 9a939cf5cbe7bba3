"""Where things are: the worker's interpreter, the models, the user's data folder, the log.

    settings.json, beside the installed front end
    {"python": interpreter, "models": folder, "version": "0.1.0", "added": folder of the models that the user added}

Standard library only: GIMP's own Python imports it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from colorize_neural import __version__
from colorize_neural.errors import ColorizeError

MODELS_VARIABLE = "COLORIZE_NEURAL_MODELS"
ADDED_VARIABLE = "COLORIZE_NEURAL_ADDED_MODELS"
MANIFEST = "manifest.json"
REMEMBERED = "installed.json"  # in the data folder: {"plug_ins": {our folder in each GIMP: its front end}, ...}
NAME = "colorize-neural"
_FILE = "settings.json"
_LONGEST_LOG = 1_000_000  # bytes; then it starts anew
_PACKAGE = Path(__file__).resolve().parent


def added_models_folder() -> Path:
    """Those that the user added: as told, or in the data folder, where an update leaves them; it may not exist."""
    told = os.environ.get(ADDED_VARIABLE)
    return Path(told) if told else data_folder() / "models"


@dataclass(frozen=True)
class Settings:
    """What the installer tells the front end."""

    python: Path  # the interpreter of the worker's own environment
    models: Path
    version: str
    added: Path = field(default_factory=added_models_folder)


def read(folder: Path) -> Settings:
    """The settings.json of the front end's folder; ColorizeError where it is missing or damaged."""
    try:
        entries = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        python, models, added = (Path(entries[name]) for name in ("python", "models", "added"))
        return Settings(python, models, str(entries["version"]), added)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ColorizeError(
            f"Colorize (neural) is not completely installed, for {folder / _FILE} is missing or damaged: "
            "please run install.py again."
        ) from error


def write(folder: Path, settings: Settings) -> None:
    """Puts settings.json into the front end's folder, all of it or nothing."""
    entries = {name: str(entry) for name, entry in asdict(settings).items()}
    write_json(folder / _FILE, entries)


def write_json(file: Path, entries: object) -> None:
    """Writes a whole file, or leaves the former one."""
    beside = file.with_name(f".{NAME}-{file.name}")  # of one name, so that the next run takes what a killed one left
    try:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(entries, indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def models_folder() -> Path:
    """The models that the worker and the command use: as told, installed with the package, or of the checkout."""
    told = os.environ.get(MODELS_VARIABLE)
    if told:
        return Path(told)
    installed = _PACKAGE / "models"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "models"


def data_folder() -> Path:
    """Where this user's environment and log live; it may not exist yet."""
    if sys.platform == "win32":
        return _told_or("LOCALAPPDATA", "AppData/Local") / NAME
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / NAME
    return _told_or("XDG_DATA_HOME", ".local/share") / NAME


def log_file() -> Path:
    """Where the tracebacks of unexpected failures go."""
    return data_folder() / "colorize-neural.log"


def open_log() -> BinaryIO:
    """The log, to append to; where it cannot be written, nowhere."""
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        long = path.exists() and path.stat().st_size > _LONGEST_LOG
        return path.open("wb" if long else "ab")
    except OSError:
        return Path(os.devnull).open("ab")


def sentence_of(error: BaseException) -> str:
    """What the user is told of a failure; an unexpected one leaves its traceback in the log."""
    return str(error) if isinstance(error, ColorizeError) else logged(error)


def printable(text: str) -> str:
    """As text for anyone: a file's name in it may be none."""
    return text.encode(errors="backslashreplace").decode()


def logged(error: BaseException) -> str:
    """Keeps the traceback of an unexpected failure in the log -> the sentence for the user."""
    import traceback  # noqa: PLC0415 - a start need not wait for it

    text = printable("".join(traceback.format_exception(error)))
    with contextlib.suppress(OSError), open_log() as log:  # the disk may be full
        log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}, version {__version__}\n{text}\n".encode())
    last_line = text.strip().splitlines()[-1]
    return f"Something unexpected went wrong ({last_line}): please report it together with the file {log_file()}."


def _told_or(variable: str, below_home: str) -> Path:
    """The folder of an environment variable; where it is unset or (as XDG demands) not absolute, one below home."""
    told = Path(os.environ.get(variable, ""))
    return told if told.is_absolute() else Path.home() / below_home
