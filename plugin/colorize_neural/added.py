"""The folder of the models that the user added, and its manifest; GIMP shows what is there at its next start.

<data folder>/models/ID.onnx, manifest.json     an update of the installation leaves them, --uninstall removes them
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.folders import make_folder
from colorize_neural.lock import lock
from colorize_neural.settings import MANIFEST
from colorize_neural.worker.models import (
    CONTRACT,
    PLAIN_NAME,
    Model,
    find_model,
    model_from_entry,
    read_added,
    read_models,
)
from colorize_neural.worker.trial import LARGEST, try_model

_NEW = ".new"  # how the names of copies end that were not tried yet


def known_models() -> list[Model]:
    """Those of the installation, and the added ones."""
    return read_models(settings.models_folder(), settings.added_models_folder())


def add(file: Path, name: str, wanted_id: str | None, adapter: str | None, sha256: str | None) -> Model:
    """Tries a copy of the file and keeps it -> the model; ColorizeError says why it cannot be had.

    name: what it is called where neither `wanted_id` nor the file itself says it
    """
    with _held() as folder:
        copy = folder / f".{os.getpid()}{_NEW}"
        try:
            found = _copied(file, copy)
            if sha256 not in (None, found):
                raise ColorizeError(f"The SHA-256 of {file} is {found}, not what you said: get the file again.")
            entry = try_model(copy, adapter)
            entry["id"] = _free_id(wanted_id or entry["id"] or name.lower().replace(" ", "-"))
            entry["title"] = entry["title"] or entry["id"]
            entry |= {"file": f"{entry['id']}.onnx", "sha256": found, "results": {}}
            model = model_from_entry(entry, folder)
            copy.replace(model.file)
        finally:
            copy.unlink(missing_ok=True)
        _write_entries([*_entries(), entry])
    return model


def remove(wanted: str) -> Model:
    """Takes an added model out of the manifest, and then its file away."""
    added = read_added(settings.added_models_folder())
    if wanted not in [model.id for model in added]:
        model = find_model(known_models(), wanted)
        raise ColorizeError(f'The model "{model.id}" came with the installation: only added ones can be removed.')
    with _held():
        model = find_model(added, wanted)
        _write_entries([entry for entry in _entries() if entry["id"] != model.id])
        model.file.unlink(missing_ok=True)
    return model


@contextlib.contextmanager
def _held() -> Iterator[Path]:
    """The folder, for one command at a time, without what a killed one left; ColorizeError where it cannot be had."""
    folder = settings.added_models_folder()
    make_folder(folder)
    try:
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise ColorizeError(f"Nothing can be written to {folder} ({error.strerror}): make it writable.") from error
    with file:
        if not lock(file):
            raise ColorizeError("Another command is changing the added models: wait until it has ended.")
        for left in folder.glob(f".*{_NEW}"):
            left.unlink(missing_ok=True)
        yield folder


def _copied(file: Path, target: Path) -> str:
    """Copies a file, all of it onto the disk -> its SHA-256."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as source, target.open("wb") as copy:
            if os.fstat(source.fileno()).st_size > LARGEST:
                raise ColorizeError(f"{file} has more than 1 GB: use a smaller model.")
            while piece := source.read(1 << 20):
                digest.update(piece)
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
    except FileNotFoundError as error:
        raise ColorizeError(f"There is no file {file}: check the name.") from error
    except OSError as error:
        raise ColorizeError(
            f"{file} cannot be copied to {target.parent} ({error.strerror}): check its path, and the room there."
        ) from error
    return digest.hexdigest()


def _free_id(wanted: str) -> str:
    """ColorizeError where it is no plain name, or taken."""
    if not PLAIN_NAME.fullmatch(wanted):
        raise ColorizeError(f'"{wanted}" cannot be the id of a model: say --id with letters, digits, dots and hyphens.')
    if any(model.id.lower() == wanted.lower() for model in known_models()):
        raise ColorizeError(f'There is already a model "{wanted}": say --id for another name, or remove that one.')
    return wanted


def _entries() -> list[dict[str, Any]]:
    file = settings.added_models_folder() / MANIFEST
    return list(json.loads(file.read_text(encoding="utf-8"))["models"]) if file.exists() else []


def _write_entries(entries: list[dict[str, Any]]) -> None:
    settings.write_json(settings.added_models_folder() / MANIFEST, {"contract": CONTRACT, "models": entries})
    _let_gimp_ask_again()


def _let_gimp_ask_again() -> None:
    """GIMP asks a plug-in for its arguments, of which the models are one, when its time stamp has changed."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # without an installation there is no plug-in
        remembered = json.loads((settings.data_folder() / settings.REMEMBERED).read_text(encoding="utf-8"))
        for folder in remembered["plug_ins"]:
            with contextlib.suppress(OSError):
                os.utime(Path(folder) / f"{settings.NAME}.py")
