"""`colorize-neural models`: strange files are tried in a process of their own, and kept or refused with a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from colorize_neural import cli, settings
from colorize_neural.errors import ColorizeError
from colorize_neural.lock import lock
from colorize_neural.settings import ADDED_VARIABLE, MANIFEST, MODELS_VARIABLE, Settings
from colorize_neural.worker.color import Float, lab_from_rgb, rgb_from_lab
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.models import read_added, read_models
from colorize_neural.worker.sessions import Session
from colorize_neural.worker.trial import LARGEST, try_model
from skimage import color

from tests.foreign_models import KINDS, write_foreign, write_with_external_data
from tests.tiny_models import make_models, tell_facts

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def added(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of added models, beside the tiny ones of an installation."""
    monkeypatch.setenv(MODELS_VARIABLE, str(tiny.models))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv(ADDED_VARIABLE, raising=False)
    return settings.added_models_folder()


def models(*arguments: str | Path) -> int:
    return cli.main(["models", *map(str, arguments)])


def left_in(folder: Path) -> list[str]:
    """All that lies there but the lock."""
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".lock")


def expected_ab(kind: str) -> Float:
    """What a file of that kind answers to a lightness of 60, as its authors would show it."""
    grey = rgb_from_lab(np.array([60.0, 0, 0]))
    if kind.startswith("deoldify"):
        return lab_from_rgb(grey * [1, 0.5, 0.25])[1:]
    a = 100 * grey[0] - 50 if kind == "ddcolor" else 60 - 50
    return lab_from_rgb(color.lab2rgb([60.0, a, 30.0]))[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_foreign_model_is_shown_and_understood_as_its_authors_meant(
    kind: str, added: Path, tmp_path: Path
) -> None:
    file = write_foreign(tmp_path / f"{kind}.onnx", kind)
    ambiguous = ["--adapter", kind] if kind == "deoldify-normalized" else []
    assert models("add", file, *ambiguous) == 0
    (model,) = read_added(added)
    assert (model.id, model.adapter, model.group) == (kind, kind, "added")
    L = np.full(model.framing.trial_sizes()[0], 60, np.float32)
    ab = Session(model, "cpu").run(L, [0.3, 0.9])
    assert ab.shape[0] == 2
    assert np.abs(ab - expected_ab(kind)).max() < 0.6


def test_an_added_model_colours_photographs_until_it_is_removed(tiny: Settings, added: Path, tmp_path: Path) -> None:
    assert models("add", write_foreign(tmp_path / "A b.onnx", "eccv16")) == 0
    pixels = np.full((80, 120, 3), 200, np.uint8)
    Colorizer(tiny.models, added).colorize(pixels, Options(model="a-b"), lambda _fraction, _text: None)
    assert np.ptp(pixels[40, 60]) > 40
    assert models("remove", "a-b") == 0
    assert list(added.glob("*.onnx")) == []
    assert read_models(tiny.models, added) == read_models(tiny.models)


def test_a_model_of_ours_brings_its_own_facts(added: Path, tmp_path: Path, capsys: Captured) -> None:
    folder = make_models(tmp_path / "own", ["thermometer"])
    tell_facts(folder / "thermometer.onnx", id="mine", title="Mine", licence="CC0-1.0", temperature=0.4)
    assert models("add", folder / "thermometer.onnx") == 0
    (model,) = read_added(added)
    assert (model.id, model.adapter, model.default_temperature) == ("mine", None, 0.4)
    assert "CC0-1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"contract": 2}, "contract 2"),
        ({"size": {"side": "large"}}, "cannot be used"),
        ({"size": {"side": 64, "padding": 200}}, "lightness"),
        ({"temperature": -1}, "temperature"),
        ({"id": "../evil"}, "cannot be the id"),
    ],
)
def test_a_model_of_ours_that_tells_nonsense_is_refused(
    facts: dict[str, object], words: str, added: Path, tmp_path: Path, capsys: Captured
) -> None:
    folder = make_models(tmp_path / "own", ["thermometer"])
    told = {"id": "mine", "title": "Mine", "licence": "CC0-1.0", "temperature": 0.4}
    tell_facts(folder / "thermometer.onnx", **told | facts)
    assert models("add", folder / "thermometer.onnx") == 1
    assert words in capsys.readouterr().err
    assert left_in(added) == []


def test_what_is_known_of_a_model_is_told(added: Path, tmp_path: Path, capsys: Captured) -> None:
    models("add", write_foreign(tmp_path / "one.onnx", "eccv16", license="BSD-2-Clause", title="One\x1b[2J"))
    models("add", write_foreign(tmp_path / "two.onnx", "eccv16"))
    capsys.readouterr()
    assert models("info", "one") == 0
    told = capsys.readouterr().out
    assert "BSD-2-Clause" in told
    assert "\x1b" not in told
    models("info", "two")
    assert "unknown, for the file does not say" in capsys.readouterr().out
    assert models("list") == 0
    heads, *rows, default = capsys.readouterr().out.splitlines()
    assert heads.split() == ["id", "title", "kind", "temperature", "size"]
    assert [row.split()[0] for row in rows][-2:] == ["one", "two"]
    assert default == f"Without --model, it is {rows[0].split()[0]}."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("wrong shapes", "no adapter knows"),
        ("another side", "no adapter knows"),
        ("NaN", "no number"),
        ("too strong", "no colour"),
        ("custom", "operators of its own"),
        ("huge", "more than 8 GB of memory"),
    ],
)
def test_a_file_that_is_no_colorizer_is_refused(
    kind: str, words: str, added: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert models("add", write_foreign(tmp_path / "strange.onnx", kind)) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert left_in(added) == []


def test_a_file_that_keeps_its_weights_elsewhere_is_refused(
    added: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.zeros(2 * 64 * 64, np.float32)
    (tmp_path / "weights.bin").write_bytes(weights.tobytes())
    monkeypatch.chdir(tmp_path)
    address = {"offset": "4096", "length": str(weights.nbytes)}
    for location, more in {
        "weights.bin": {},
        str(tmp_path / "weights.bin"): {},
        f"../{tmp_path.name}/weights.bin": {},
        "*/_ORT_MEM_ADDR_/*": address,
    }.items():
        assert models("add", write_with_external_data(tmp_path / "outside.onnx", location, **more)) == 1
        assert "second file" in capsys.readouterr().err, location
    assert left_in(added) == []


def test_a_file_that_is_none_of_onnx_or_too_large_or_missing_is_refused(
    added: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with (tmp_path / "large.onnx").open("wb") as large:
        large.truncate(LARGEST + 1)
    for name, words in {"text": "no ONNX file", "large": "more than 1 GB", "missing": "check the name"}.items():
        assert models("add", tmp_path / f"{name}.onnx") == 1
        assert words in capsys.readouterr().err
    assert left_in(added) == []


def test_a_file_that_never_ends_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ColorizeError, match="not ready after 8 seconds"):
        try_model(write_foreign(tmp_path / "endless.onnx", "endless"), None, seconds=8)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "", ".hidden", "a b", "x" * 200])
def test_no_name_leads_out_of_the_folder(name: str, added: Path, tmp_path: Path, capsys: Captured) -> None:
    file = write_foreign(tmp_path / "one.onnx", "eccv16")
    assert models("add", file, f"--id={name}") == (1 if name else 0)
    assert not name or "cannot be the id" in capsys.readouterr().err
    assert left_in(added) in ([], [MANIFEST, "one.onnx"])


@pytest.mark.parametrize("damage", ["../one.onnx", '"'])
def test_an_added_model_that_cannot_be_used_is_told_by_verify_and_hides_no_other(
    damage: str, tiny: Settings, added: Path, tmp_path: Path, capsys: Captured
) -> None:
    models("add", write_foreign(tmp_path / "one.onnx", "eccv16"))
    text = (added / MANIFEST).read_text()
    (added / MANIFEST).write_text(text.replace("one.onnx", damage))
    assert read_models(tiny.models, added) == read_models(tiny.models)
    assert models("verify") == 1
    assert "damaged" in capsys.readouterr().err


def test_a_name_is_given_once_and_what_was_installed_stays(added: Path, tmp_path: Path, capsys: Captured) -> None:
    file = write_foreign(tmp_path / "orange.onnx", "eccv16")
    assert models("add", file) == 1
    assert 'already a model "orange"' in capsys.readouterr().err
    assert models("add", file, "--id", "other") == 0
    assert models("remove", "orange") == 1
    assert "came with the installation" in capsys.readouterr().err


def test_a_file_of_another_hash_is_refused(added: Path, tmp_path: Path, capsys: Captured) -> None:
    file = write_foreign(tmp_path / "one.onnx", "eccv16")
    assert models("add", file, "--sha256", "0" * 64) == 1
    assert "not what you said" in capsys.readouterr().err
    assert models("add", file, "--sha256", "12") == 1
    assert "64 digits" in capsys.readouterr().err


def test_two_commands_do_not_change_the_models_at_once(added: Path, tmp_path: Path, capsys: Captured) -> None:
    file = write_foreign(tmp_path / "one.onnx", "eccv16")
    added.mkdir(parents=True)
    (added / ".123.new").touch()  # what a killed command left
    with (added / ".lock").open("w") as held:
        assert lock(held)
        assert models("add", file) == 1
    assert "wait until it has ended" in capsys.readouterr().err
    assert models("add", file) == 0
    assert left_in(added) == [MANIFEST, "one.onnx"]


def test_verify_tells_which_file_is_damaged_and_what_to_do(added: Path, tmp_path: Path, capsys: Captured) -> None:
    models("add", write_foreign(tmp_path / "one.onnx", "eccv16"))
    assert models("verify") == 0
    (added / "one.onnx").write_bytes(b"damaged")
    capsys.readouterr()
    assert models("verify") == 1
    out, err = capsys.readouterr()
    assert "orange: intact" in out
    assert "models remove one" in err


def test_gimp_is_made_to_ask_again(added: Path, tmp_path: Path) -> None:
    plug_in = tmp_path / "plug-ins" / settings.NAME
    plug_in.mkdir(parents=True)
    (plug_in / f"{settings.NAME}.py").touch()
    os.utime(plug_in / f"{settings.NAME}.py", (0, 0))
    settings.data_folder().mkdir(parents=True)
    (settings.data_folder() / settings.REMEMBERED).write_text(json.dumps({"plug_ins": [str(plug_in)], "made": []}))
    models("add", write_foreign(tmp_path / "one.onnx", "eccv16"))
    assert (plug_in / f"{settings.NAME}.py").stat().st_mtime > 0


def test_a_photograph_called_models_is_coloured_all_the_same(tiny: Settings, tmp_path: Path) -> None:
    encoded = cv2.imencode(".png", np.full((20, 30), 128, np.uint8))[1]
    (tmp_path / "models").write_bytes(encoded.tobytes())
    done = subprocess.run(
        [sys.executable, "-m", "colorize_neural.cli", "./models", "-o", "out.png"],
        cwd=tmp_path,
        env=os.environ | {MODELS_VARIABLE: str(tiny.models), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").exists()
