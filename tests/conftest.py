"""What several test files need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from colorize_neural import __version__
from colorize_neural.settings import Settings

from tests.tiny_models import TINY, make_models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """This very environment as the worker's, with models whose answers are known."""
    models = make_models(tmp_path_factory.mktemp("tiny") / "models", list(TINY))
    return Settings(Path(sys.executable), models, __version__)
