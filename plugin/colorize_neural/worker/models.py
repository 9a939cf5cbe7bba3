"""The models folder: what its manifest says, whether a file is intact, and the ONNX Runtime session that runs it.

L (h, w), 0..100;  temperatures  ->  ab (t, h', w', 2) in Lab units       (the contract, version 1)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import Float
from colorize_neural.worker.framing import Framing, framing_from

CONTRACT = 1
MANIFEST = "manifest.json"
GPU_PROVIDERS = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider")


@dataclass(frozen=True)
class Model:
    """One entry of the manifest."""

    id: str
    title: str
    description: str
    group: str  # "recommended" or "papers"
    kind: str
    file: Path
    sha256: str
    framing: Framing
    default_temperature: float | None  # None: the model ignores the temperature


def read_models(folder: Path) -> list[Model]:
    """All models of a folder, recommended ones first; ColorizeError where the manifest is missing or damaged."""
    file = folder / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        models = [_model_from_entry(entry, folder) for entry in manifest["models"]]
        contract = manifest["contract"]
    except FileNotFoundError as error:
        raise ColorizeError(f"There is no {MANIFEST} in {folder}, so no model: run install.py again.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ColorizeError(f"The list of models, {file}, is damaged: run install.py again.") from error
    if contract != CONTRACT or not models:
        raise ColorizeError(f"The models in {folder} belong to another version: run install.py again.")
    return sorted(models, key=lambda model: model.group != "recommended")


def find_model(models: list[Model], wanted: str) -> Model:
    """The model of that id, the first one for ""; ColorizeError names the known ones."""
    for model in models:
        if wanted in ("", model.id):
            return model
    known = ", ".join(model.id for model in models)
    raise ColorizeError(f'There is no model "{wanted}": choose one of {known}.')


def _model_from_entry(entry: dict[str, Any], folder: Path) -> Model:
    texts = {key: str(entry[key]) for key in ("id", "title", "description", "group", "kind", "sha256")}
    temperature = entry["temperature"]
    return Model(
        **texts,
        file=folder / entry["file"],
        framing=framing_from(entry["size"]),
        default_temperature=None if temperature is None else float(temperature["default"]),
    )


class Session:
    """A model that is ready to run; `device` is "cpu" or "gpu", `note` says why a wished-for GPU does not run."""

    def __init__(self, model: Model, device: str, threads: int = 0) -> None:
        """threads: of the CPU, 0 for one a core."""
        content = _intact_content(model)
        wished = [name for name in GPU_PROVIDERS if name in ort.get_available_providers()] if device != "cpu" else []
        options = ort.SessionOptions()
        ort.disable_telemetry_events()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what fails is told by get_providers, not on stderr
        try:
            self._session = ort.InferenceSession(content, options, [*wished, "CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own exceptions share no better base
            raise ColorizeError(f"ONNX Runtime cannot use the model {model.id}: {_first_line(error)}") from error
        runs_on_gpu = any(name in self._session.get_providers() for name in wished)
        self.device = "gpu" if runs_on_gpu else "cpu"
        if device == "gpu" and not runs_on_gpu:
            raise ColorizeError(f"No GPU can run, because {_reason_for_cpu(wished)}: choose the device auto or cpu.")
        fell_back = device == "auto" and not runs_on_gpu
        self.note = f"Ran on the CPU, because {_reason_for_cpu(wished)}." if fell_back else ""

    def run(self, L: Float, temperatures: Sequence[float]) -> Float:
        """L (h, w) as the model's framing makes it -> ab (t, h', w', 2)."""
        feeds = {"L": L[None, None].astype(np.float32), "temperature": np.array(temperatures, np.float32)}
        (ab,) = self._session.run(["ab"], feeds)
        return np.moveaxis(ab, 1, -1)


def _intact_content(model: Model) -> bytes:
    try:
        content = model.file.read_bytes()
    except OSError as error:
        raise ColorizeError(f"The model file {model.file} cannot be read: run install.py again.") from error
    if hashlib.sha256(content).hexdigest() != model.sha256:
        raise ColorizeError(f"The model file {model.file} is damaged: run install.py again.")
    return content


def _reason_for_cpu(wished: list[str]) -> str:
    if wished:
        return "ONNX Runtime found no GPU whose driver and libraries it could start"
    return "this installation has no support for GPUs"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
