"""The GIMP 2.10 front end under a real Python 2.7, with a strict stand-in for GIMP and the real command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colorize_neural import settings
from colorize_neural.settings import Settings
from colorize_neural.worker.colorizer import Colorizer, Options
from numpy.typing import NDArray

from tests.absence import absent
from tests.processes import below
from tests.tiny_models import make_models

REPOSITORY = Path(__file__).parents[1]
PLUG_IN = REPOSITORY / "plugin" / "gimp2" / "colorize-neural.py"
DESK = Path(__file__).parent / "fakes" / "desk.py"
STRANGE = 'Zoë\'s "été" [1] $HOME'
LCH_COLOR, NORMAL = 26, 28
PRECISIONS = ("U8_GAMMA", "U8_LINEAR", "U16_GAMMA", "U16_LINEAR", "FLOAT_GAMMA", "FLOAT_LINEAR")

Story = dict[str, Any]


@dataclass(frozen=True)
class Gimp2:
    """A plug-in folder as the installer makes it, with a temporary folder of its own."""

    python: str
    folder: Path
    temporary: Path

    @property
    def plug_in(self) -> Path:
        return self.folder / PLUG_IN.name

    def tell(self, told: Settings) -> None:
        settings.write(self.folder, told)

    def started(self, asked: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [self.python, str(DESK), str(self.plug_in)],
            env=os.environ | {"TESTS_PYTHON": sys.executable, "TMPDIR": str(self.temporary)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
        process.stdin = None  # communicate() would flush it
        return process

    def answer(self, asked: object) -> Story:
        """What the desk tells; afterwards nothing may be left in the temporary folder."""
        process = self.started(asked)
        told, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
        assert list(self.temporary.iterdir()) == []
        return dict(json.loads(told))

    def colorize(self, *runs: Story, photo: Story | None = None, **arrange: Any) -> Story:
        return self.answer({"photo": photo or {}, "arrange": arrange, "runs": list(runs) or [{}]})

    def coloured(self, output: str, model: str = "orange", photo: Story | None = None, **arrange: Any) -> Story:
        """As `colorize`, in one run that must go well."""
        arguments = {"model": model, "output": output, "device": "cpu"}
        told = self.colorize({"arguments": arguments}, photo=photo, **arrange)
        (run,) = told["runs"]
        assert (run["failure"], run["messages"], run["steps"]) == (None, [], 1)
        return told

    def refused(
        self, output: str = "color-layer", aim: str = "photo", arguments: Story | None = None, **arrange: Any
    ) -> str:
        """The sentence; a caller sees the failure too, and the image is as it was."""
        asked = {"aim": aim, "arguments": {"output": output, "device": "cpu"} | (arguments or {})}
        told = self.colorize(asked, **arrange)
        (run,) = told["runs"]
        (sentence,) = run["messages"]
        assert run["failure"] == f"ColorizeError: {sentence}"
        assert run["steps"] == 0
        assert told["before"] == told["after"]
        return str(sentence)


@pytest.fixture(scope="session")
def python2() -> str:
    found = shutil.which("python2.7")
    if not found:
        absent("there is no python2.7 on this machine's PATH")
    return found


@pytest.fixture
def gimp2(python2: str, tiny: Settings, tmp_path: Path) -> Gimp2:
    gimp2 = Gimp2(python2, tmp_path / STRANGE / "colorize-neural", tmp_path / "temporary")
    gimp2.folder.mkdir(parents=True)
    gimp2.temporary.mkdir()
    shutil.copy(PLUG_IN, gimp2.folder)
    gimp2.tell(tiny)
    return gimp2


def rows(layer: Story) -> NDArray[np.float64]:
    return np.array(layer["rows"])


def check_coloured(found: NDArray[np.float64], wanted: NDArray[np.float64], steps: float = 1.01) -> None:
    """Within these steps of 8 bits: numpy rounds as an array happens to lie in memory."""
    assert np.abs(found - wanted).max() * 255 < steps


def expected(
    story: Story, tiny: Settings, model: str, dtype: type[np.uint8 | np.uint16] = np.uint8
) -> NDArray[np.float64]:
    """RGB 0..1 of the photo as the worker colours it at that depth."""
    limit = np.iinfo(dtype).max
    photo = rows(story["before"]["layers"][0])
    pixels = np.rint(photo[..., :3].repeat(3 if photo.shape[2] < 3 else 1, axis=2)[..., :3] * limit).astype(dtype)
    Colorizer(tiny.models).colorize(pixels, Options(model, device="cpu"), lambda _fraction, _text: None)
    return pixels.astype(np.float64) / limit


def test_the_entry_and_the_arguments_are_those_of_gimp_3(gimp2: Gimp2) -> None:
    dialog = gimp2.answer(None)
    assert (dialog["menu"], dialog["label"]) == ("<Image>/Colors", "Colori_ze (neural)...")
    names = [name for name, *_ in dialog["arguments"][2:]]
    assert names == [
        *("model", "temperature", "strength", "warmth", "edge-guidance", "equalize", "output", "device"),
    ]
    defaults = [default for _, _, default, *_ in dialog["arguments"][2:]]
    assert defaults == ["orange", 0.0, 1.0, 0.0, True, False, "color-layer", "auto"]


def test_the_dialog_offers_the_models_recommended_ones_first_and_new_ones_at_once(gimp2: Gimp2, tmp_path: Path) -> None:
    models = make_models(tmp_path / "models", ["hours", "grey"])
    gimp2.tell(Settings(Path(sys.executable), models, "0.1.0"))
    name, _, default, entries = gimp2.answer(None)["arguments"][2]
    assert (name, default, entries) == ("model", "grey", [["Grey", "grey"], ["Hours", "hours"]])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_without_colour_each_value_stays_at_every_precision(gimp2: Gimp2, precision: str) -> None:
    told = gimp2.coloured("replace", "grey", {"base": "GRAY", "precision": precision})
    before, after = (rows(told[when]["layers"][0]) for when in ("before", "after"))
    assert after.shape == (32, 40, 3)
    rounding = 0.6 / 65535 if precision.startswith("FLOAT") else 1e-12
    assert np.abs(after - before).max() <= rounding


@pytest.mark.parametrize("output", ["color-layer", "layer", "replace"])
def test_grey_gets_the_workers_colours_where_they_should_go_in_one_undo_step(
    gimp2: Gimp2, tiny: Settings, output: str
) -> None:
    told = gimp2.coloured(output, photo={"base": "GRAY"})
    top = told["after"]["layers"][0]
    assert told["after"]["base"] == 0
    check_coloured(rows(top), expected(told, tiny, "orange"))
    if output == "replace":
        assert (len(told["after"]["layers"]), top["name"]) == (1, "photo")
    else:
        assert [layer["name"] for layer in told["after"]["layers"]] == ["Orange", "photo"]
        assert top["mode"] == (LCH_COLOR if output == "color-layer" else NORMAL)
        assert (top["opacity"], top["offsets"], top["mask"]) == (80, [7, 5], None)
        assert told["after"]["active"] == "Orange"


def test_colours_of_linear_light_are_right(gimp2: Gimp2, tiny: Settings) -> None:
    told = gimp2.coloured("replace", photo={"base": "GRAY", "precision": "FLOAT_LINEAR"})
    check_coloured(rows(told["after"]["layers"][0]), expected(told, tiny, "orange", np.uint16), steps=0.15)


def test_a_selection_limits_what_is_replaced(gimp2: Gimp2, tiny: Settings) -> None:
    told = gimp2.coloured("replace", selection=[17, 10, 20, 60])
    before, after = (rows(told[when]["layers"][0]) for when in ("before", "after"))
    inside = np.zeros((32, 40, 1), bool)
    inside[5:, 10:30] = True
    check_coloured(after, np.where(inside, expected(told, tiny, "orange"), before))


def test_a_selection_and_the_photographs_mask_limit_a_new_layer(gimp2: Gimp2) -> None:
    told = gimp2.coloured("color-layer", selection=[17, 10, 20, 60], mask=15)
    shown = np.zeros((32, 40))
    shown[5:, 10:15] = 1
    assert np.array_equal(np.array(told["after"]["layers"][0]["mask"])[..., 0], shown)


def test_a_mask_that_is_switched_off_limits_nothing(gimp2: Gimp2) -> None:
    assert gimp2.coloured("layer", mask=15, applied=False)["after"]["layers"][0]["mask"] is None


@pytest.mark.parametrize("output", ["layer", "replace"])
def test_alpha_stays_and_what_it_hides_is_coloured_too(gimp2: Gimp2, tiny: Settings, output: str) -> None:
    told = gimp2.coloured(output, photo={"alpha": True})
    before, after = (rows(told[when]["layers"][0]) for when in ("before", "after"))
    assert np.array_equal(after[..., 3], before[..., 3])
    check_coloured(after[..., :3], expected(told, tiny, "orange"))
    assert not told["after"]["layers"][0]["lock_alpha"]


@pytest.mark.parametrize("group", ["open", "locked"])
def test_a_layer_in_a_group_gets_its_colours_there(gimp2: Gimp2, group: str) -> None:
    told = gimp2.coloured("layer", photo={"alpha": True}, group=group)
    assert [layer["name"] for layer in told["after"]["layers"][0]["layers"]] == ["Orange", "photo"]


def test_a_group_gets_one_layer_above_it(gimp2: Gimp2, tiny: Settings) -> None:
    arguments = {"model": "orange", "output": "layer", "device": "cpu"}
    told = gimp2.colorize({"aim": "group", "arguments": arguments}, photo={"alpha": True}, group="open")
    assert [layer["name"] for layer in told["after"]["layers"]] == ["Orange", "group"]
    check_coloured(rows(told["after"]["layers"][0])[..., :3], expected(told, tiny, "orange"))


def test_who_tries_once_more_colours_the_photograph_above_what_was_tried(gimp2: Gimp2) -> None:
    first, second = ({"output": "layer", "model": model, "device": "cpu"} for model in ("orange", "grey"))
    told = gimp2.colorize({"arguments": first}, {"aim": "new layer", "arguments": second})
    top, *others = told["after"]["layers"]
    assert [layer["name"] for layer in others] == ["Orange", "photo"]
    assert np.array_equal(rows(top), rows(told["before"]["layers"][0]))
    (number,) = others[-1]["parasites"].values()
    assert others[-1]["parasites"] == {"colorize-neural-photograph": number}  # GIMP 3 understands it
    assert all(layer["parasites"] == {"colorize-neural-colours": number} for layer in (top, others[0]))


def test_the_options_reach_the_command(gimp2: Gimp2) -> None:
    common = {"output": "replace", "model": "thermometer", "device": "cpu"}
    ways: tuple[Story, ...] = ({}, {"temperature": 0.8}, {"strength": 0.0})
    after = [rows(gimp2.colorize({"arguments": common | way})["after"]["layers"][0]) for way in ways]
    chroma = [float(np.ptp(pixels, axis=2).mean()) for pixels in after]
    assert chroma[1] > chroma[0] > chroma[2] == 0


def test_progress_rises_to_the_end(gimp2: Gimp2) -> None:
    (run,) = gimp2.coloured("layer")["runs"]
    assert run["progress"] == sorted(run["progress"])
    assert (run["progress"][0], run["progress"][-1]) == (0, 1)
    assert {"Reading the photograph", "Painting"} <= set(run["texts"])


SENTENCES: dict[str, tuple[Story, str]] = {
    "indexed": (
        {"photo": {"base": "INDEXED"}},
        "This image has indexed colours: please choose Image > Mode > RGB first.",
    ),
    "floating": (
        {"floating": True},
        "There is a floating selection: please anchor it or make it a new layer in the Layers dialog first.",
    ),
    "mask": (
        {"aim": "mask", "mask": 9},
        '"photo mask" is a layer mask, which has no colours: please click on the layer itself.',
    ),
    "channel": ({"aim": "channel"}, '"channel" is a channel, which has no colours: please select a layer.'),
    "another image": (
        {"aim": "layer of another image"},
        '"photo" is no layer of this image: please select a layer of it.',
    ),
    "empty group": ({"aim": "group", "group": "empty"}, 'The group "group" is empty: please select a layer.'),
    "selection": (
        {"selection": [0, 0, 5, 5]},
        'The selection lies outside "photo": please choose Select > None, or another layer.',
    ),
    "replaced group": (
        {"aim": "group", "group": "open", "output": "replace"},
        '"group" is a group, which has no pixels of its own: please select a layer in it, or choose another output.',
    ),
    "locked": (
        {"locked": True, "output": "replace"},
        'The pixels of "photo" are locked: please unlock them in the Layers dialog, or choose another output.',
    ),
    "in a locked group": (
        {"group": "locked", "output": "replace"},
        'The pixels of "group" are locked: please unlock them in the Layers dialog, or choose another output.',
    ),
    "output": ({"output": "nowhere"}, 'There is no output "nowhere": please choose color-layer, layer or replace.'),
    "model": (
        {"arguments": {"model": "nobody"}},
        'There is no model "nobody": choose one of orange, grey, thermometer, hours.',
    ),
    "strength": ({"arguments": {"strength": 3}}, "The strength is 3: choose a number from 0 to 2."),
    "device": ({"arguments": {"device": "abacus"}}, 'There is no device "abacus": choose one of auto, cpu, gpu.'),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_what_cannot_be_coloured_is_a_sentence_and_nothing_is_touched(gimp2: Gimp2, case: str) -> None:
    asked, sentence = SENTENCES[case]
    assert gimp2.refused(**asked) == sentence


@pytest.mark.parametrize("missing", ["settings.json", "its python"])
def test_a_command_that_is_not_there_is_a_sentence(gimp2: Gimp2, tiny: Settings, missing: str) -> None:
    if missing == "settings.json":
        (gimp2.folder / missing).unlink()
    else:
        gimp2.tell(replace(tiny, python=gimp2.folder / "python"))
    assert gimp2.refused().endswith(": please run install.py again.")
    assert gimp2.answer(None)["arguments"][2][0] == "model"  # the entry is there, to tell why


def test_a_command_that_is_killed_is_a_sentence(gimp2: Gimp2, tiny: Settings) -> None:
    python = gimp2.folder / "python"
    python.write_text("#!/bin/sh\nkill -9 $$\n")
    python.chmod(0o755)
    gimp2.tell(replace(tiny, python=python))
    assert "stopped in mid-work (by signal 9)" in gimp2.refused()


def test_a_failure_behind_the_dialog_is_one_message_and_cancel_is_none(gimp2: Gimp2) -> None:
    wrong, cancelled = (
        {"mode": "INTERACTIVE", "arguments": {"model": "nobody"}},
        {"mode": "INTERACTIVE", "arguments": None},
    )
    told = gimp2.colorize(wrong, cancelled)
    assert [run["failure"] for run in told["runs"]] == [None, None]
    assert [len(run["messages"]) for run in told["runs"]] == [1, 0]
    assert told["before"] == told["after"]


def test_a_plug_in_that_gimp_kills_takes_its_command_along_and_the_next_one_its_files(gimp2: Gimp2) -> None:
    process = gimp2.started({"photo": {}, "arrange": {}, "runs": [{"arguments": {"model": "hours", "device": "cpu"}}]})
    (folder,) = eventually(lambda: list(gimp2.temporary.iterdir()))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    command = eventually(lambda: [child for child in below(process.pid) if (folder / "stderr").exists()])
    process.send_signal(signal.SIGKILL)
    process.communicate()
    eventually(lambda: not Path(f"/proc/{command[0]}").exists())
    assert folder.exists()
    gimp2.coloured("layer")


def eventually(look: Any) -> Any:
    """What `look` finds, once it finds something."""
    for _ in range(600):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it never happened")
