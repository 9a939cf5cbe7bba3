"""What several test files need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from colorize_neural import __version__
from colorize_neural.client import Client
from colorize_neural.settings import Settings

from tests.archives import Archive
from tests.tiny_models import TINY, make_models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """This very environment as the worker's, with models whose answers are known."""
    models = make_models(tmp_path_factory.mktemp("tiny") / "models", list(TINY))
    return Settings(Path(sys.executable), models, __version__, added=models.with_name("added"))


@pytest.fixture
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log file, which is not the user's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "colorize-neural" / "colorize-neural.log"


@pytest.fixture
def client(tiny: Settings) -> Iterator[Client]:
    with Client(tiny) as client:
        yield client


@pytest.fixture
def archive(tmp_path: Path, tiny: Settings) -> Archive:
    return Archive(tmp_path, tiny.models)
