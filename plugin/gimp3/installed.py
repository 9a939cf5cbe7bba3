"""The installed models as the dialog offers them: read from the manifest, which the worker's side checks in earnest."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorize_neural import settings
from colorize_neural.errors import ColorizeError


@dataclass(frozen=True)
class Model:
    id: str
    title: str
    description: str
    group: str  # "recommended", "papers" or "added"
    temperature: float | None  # its default; None where the model ignores it
    sha256: str


def models(folder: Path) -> list[Model]:
    """Recommended ones first, added ones last; none where the manifest cannot be read, for then the worker tells why.

    folder: where settings.json is
    """
    try:
        told = settings.read(folder)
        entries = sorted(_entries(told.models), key=lambda entry: entry["group"] != "recommended")
        return [*map(_model_from, entries), *_usable(told.added)]
    except (ColorizeError, OSError, ValueError, KeyError, TypeError):
        return []


def _usable(added: Path) -> list[Model]:
    """What can be read of the user's own models."""
    models = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for entry in _entries(added):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                models.append(_model_from(entry))
    return models


def title_of(model_id: str, folder: Path) -> str:
    return next((model.title for model in models(folder) if model.id == model_id), "Colours")


def _entries(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / settings.MANIFEST).read_text(encoding="utf-8"))["models"])


def _model_from(entry: dict[str, Any]) -> Model:
    temperature = entry["temperature"]
    default = None if temperature is None else float(temperature["default"])
    texts = {name: str(entry[name]) for name in ("id", "title", "description", "group", "sha256")}
    return Model(**texts, temperature=default)
