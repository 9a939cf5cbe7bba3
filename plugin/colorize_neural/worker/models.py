"""The models folders: what their manifests say, whether a file is intact, and the ONNX Runtime session on one device.

L (h, w), 0..100;  temperatures  ->  ab (t, h', w', 2) in Lab units       (the contract, version 1, or an adapter)
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.adapters import ADAPTERS, Adapter, ab_by_adapter
from colorize_neural.worker.color import Float
from colorize_neural.worker.framing import Framing, framing_from
from colorize_neural.worker.providers import GPU, open_on_gpu, open_session

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
    if not PLAIN_NAME.fullmatch(entry["file"]) or adapter not in (None, *ADAPTERS):
        raise ValueError(f"the file {entry['file']} or its adapter")
    return Model(
        **{key: str(entry[key]) for key in texts},
        file=folder / entry["file"],
        framing=framing_from(entry["size"]),
        default_temperature=None if temperature is None else float(temperature["default"]),
        adapter=adapter,
    )


class Session:
    """A model that is ready to run on one device."""

    def __init__(self, model: Model, device: str, threads: int = 0) -> None:
        """threads: of the CPU, 0 for one a core; NoGpuError where `device` is the GPU and there is none to run on."""
        self._adapter = ADAPTERS[model.adapter] if model.adapter else None
        # one pass at a time: DirectML crashes where threads meet in a session, and each takes memory of the card
        self._turn = threading.Lock() if device == GPU else contextlib.nullcontext()
        content = content_of(model)
        digests: list[str] = []
        hasher = threading.Thread(target=lambda: digests.append(digest_of(content)))
        hasher.start()  # meanwhile: a changed file is parsed, but never run
        try:
            self._session = open_on_gpu(content, threads) if device == GPU else open_session(content, (), threads)
        except ColorizeError:
            raise
        except Exception as error:  # ONNX Runtime's own exceptions share no better base
            raise ColorizeError(f"ONNX Runtime cannot use the model {model.id}: {_first_line(error)}") from error
        finally:
            hasher.join()
            check_intact(model, digests[0])  # that a file is damaged is told before all else

    def run(self, L: Float, temperatures: Sequence[float]) -> Float:
        """L (h, w) as the model's framing makes it -> ab (t, h', w', 2)."""
        with self._turn:
            return find_ab(self._session, self._adapter, L, temperatures)


def find_ab(session: ort.InferenceSession, adapter: Adapter | None, L: Float, temperatures: Sequence[float]) -> Float:
    """L (h, w) -> ab (t, h', w', 2); a foreign network knows no temperature and answers once for all."""
    if adapter:
        return np.repeat(ab_by_adapter(session, adapter, L)[None], len(temperatures), axis=0)
    feeds = {"L": L[None, None].astype(np.float32), "temperature": np.array(temperatures, np.float32)}
    (ab,) = session.run(["ab"], feeds)
    return np.moveaxis(ab, 1, -1)


def content_of(model: Model) -> bytes:
    """The bytes of a model's file; ColorizeError where it cannot be read."""
    try:
        return model.file.read_bytes()
    except OSError as error:
        raise ColorizeError(f"The model file {model.file} cannot be read: {model.remedy}.") from error


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file, as the manifest tells it."""
    import hashlib  # noqa: PLC0415 - loads OpenSSL, while ONNX Runtime is at work

    return hashlib.sha256(content).hexdigest()


def check_intact(model: Model, digest: str) -> None:
    """ColorizeError where this is not the digest that the manifest tells."""
    if digest != model.sha256:
        raise ColorizeError(f"The model file {model.file} is damaged: {model.remedy}.")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
