"""A model that is added while an installation is in use, in real GIMPs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from colorize_neural import cli, settings
from colorize_neural.settings import ADDED_VARIABLE, MODELS_VARIABLE, Settings

from tests.foreign_models import write_foreign
from tests.gimp.gimps import STRANGE, Photo, make_profile, running


def test_an_added_model_is_offered_at_gimps_next_start(
    gimp_program: str, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, told = tmp_path / STRANGE, replace(tiny, added=tmp_path / "data" / settings.NAME / "models")
    plug_in = make_profile(profile, told)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(MODELS_VARIABLE, str(told.models))
    monkeypatch.delenv(ADDED_VARIABLE, raising=False)
    settings.data_folder().mkdir(parents=True)
    (settings.data_folder() / settings.REMEMBERED).write_text(json.dumps({"plug_ins": [str(plug_in)], "made": []}))
    with running(gimp_program, profile, "--no-interface") as gimp:
        assert "foreign" not in gimp.ask("registration")["choices"]["model"]
    assert cli.main(["models", "add", str(write_foreign(tmp_path / "foreign.onnx", "eccv16"))]) == 0
    with running(gimp_program, profile, "--no-interface") as gimp, gimp.image(Photo()) as image:
        assert gimp.ask("registration")["choices"]["model"][-1] == "foreign"
        assert image.colorize(model="foreign", output="replace")[0] == "success"
        (layer,) = image.state().layers
    assert layer.pixels[..., 0].mean() > layer.pixels[..., 2].mean() + 0.1  # its b is 30
