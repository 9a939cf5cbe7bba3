"""The models folders: what their manifests say, and whether a file is intact.

It needs no library, so that a worker which loads them can read its model's file meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.cores import Later
from colorize_neural.worker.framing import Framing, framing_from

if TYPE_CHECKING:
    from colorize_neural.worker.adapters import Adapter

CONTRACT = 1
MANIFEST = settings.MANIFEST
ADDED = "added"  # the group of models that the user added
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # leads to no other folder


@dataclass(frozen=True)
class Model:
    """One entry of the manifest."""

    id: str
    title: str
    description: str
    group: str  # "recommended", "papers" or "added"
    kind: str
    trained_on: str
    licence: str
    file: Path
    sha256: str
    framing: Framing
    default_temperature: float | None  # None: the model ignores the temperature
    adapter: str | None = None  # a key of ADAPTERS; None: the file meets the contract

    @property
    def remedy(self) -> str:
        """What to do where the file is not what it was."""
        if self.group == ADDED:
            return f'say "colorize-neural models remove {self.id}" and add it again'
        return "run install.py again"


def read_models(folder: Path, added: Path | None = None) -> list[Model]:
    """All models of a folder, recommended ones first, then those of the user's own folder that can be used.

    ColorizeError where the first folder's manifest is missing or damaged.
    """
    try:
        models = _models_of(folder, "run install.py again")
    except FileNotFoundError as error:
        raise ColorizeError(f"There is no {MANIFEST} in {folder}, so no model: run install.py again.") from error
    if not models:
        raise ColorizeError(f"The models in {folder} belong to another version: run install.py again.")
    return [*sorted(models, key=lambda model: model.group != "recommended"), *(_usable(added) if added else [])]


def read_added(folder: Path) -> list[Model]:
    """The models that the user added; none where the folder is missing, ColorizeError where one cannot be used."""
    try:
        return _models_of(folder, "remove that folder and add your models again")
    except FileNotFoundError:
        return []


def _usable(folder: Path) -> list[Model]:
    """A list that is damaged, or an entry of another version, does not keep the other models from being used."""
    models = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for entry in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["models"]:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                models.append(model_from_entry(entry, folder))
    return models


def _models_of(folder: Path, remedy: str) -> list[Model]:
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        models = [model_from_entry(entry, folder) for entry in manifest["models"]]
        contract = manifest["contract"]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ColorizeError(f"The list of models, {file}, is damaged: {remedy}.") from error
    if contract != CONTRACT:
        raise ColorizeError(f"The models in {folder} belong to another version: {remedy}.")
    return models


def find_model(models: list[Model], wanted: str) -> Model:
    """The model of that id, the first one for ""; ColorizeError names the known ones."""
    for model in models:
        if wanted in ("", model.id):
            return model
    known = ", ".join(model.id for model in models)
    raise ColorizeError(f'There is no model "{wanted}": choose one of {known}.')


def model_from_entry(entry: dict[str, Any], folder: Path) -> Model:
    """ValueError, KeyError or TypeError where an entry of a manifest cannot be used, or names a file elsewhere."""
    texts = ("id", "title", "description", "group", "kind", "trained_on", "licence", "sha256")
    temperature, adapter = entry["temperature"], entry.get("adapter")
    if not PLAIN_NAME.fullmatch(entry["file"]):
        raise ValueError(f"the file {entry['file']}")
    model = Model(
        **{key: str(entry[key]) for key in texts},
        file=folder / entry["file"],
        framing=framing_from(entry["size"]),
        default_temperature=None if temperature is None else float(temperature["default"]),
        adapter=adapter,
    )
    adapter_of(model)  # KeyError where there is none
    return model


def adapter_of(model: Model) -> Adapter | None:
    """What makes a foreign network one of ours; KeyError where the manifest names none that is known."""
    if model.adapter is None:
        return None
    from colorize_neural.worker.adapters import ADAPTERS  # noqa: PLC0415 - few models need them, and they need libraries

    return ADAPTERS[model.adapter]


class ModelFile:
    """A model's file, which is read, and then hashed, from now on."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._content = Later(partial(content_of, model))
        self._digest = Later(lambda: digest_of(self._content.result()))

    def content(self) -> bytes:
        """As soon as it is read, a changed file's too; ColorizeError where it cannot be read."""
        return self._content.result()

    def check(self) -> None:
        """ColorizeError where it is not the file that the manifest tells of, for it must not be run."""
        check_intact(self._model, self._digest.result())


_ahead: dict[Model, ModelFile] = {}


def read_ahead(model: Model) -> None:
    """Begins to read the file of the model that will probably be the first one."""
    _ahead[model] = ModelFile(model)


def file_of(model: Model) -> ModelFile:
    """The file of a model that is to run; nothing that was read ahead is kept."""
    file = _ahead.pop(model, None) or ModelFile(model)
    _ahead.clear()
    return file


def content_of(model: Model) -> bytes:
    """The bytes of a model's file; ColorizeError where it cannot be read."""
    try:
        return model.file.read_bytes()
    except OSError as error:
        raise ColorizeError(f"The model file {model.file} cannot be read: {model.remedy}.") from error


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file, as the manifest tells it."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, while others are at work

    return hashlib.sha256(content).hexdigest()


def check_intact(model: Model, digest: str) -> None:
    """ColorizeError where this is not the digest that the manifest tells."""
    if digest != model.sha256:
        raise ColorizeError(f"The model file {model.file} is damaged: {model.remedy}.")
