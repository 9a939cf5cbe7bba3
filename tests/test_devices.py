"""Which device a model runs on: real sessions on the CPU stand where a GPU's would, costly or failing."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colorize_neural import settings
from colorize_neural.errors import ColorizeError
from colorize_neural.worker import providers, sessions
from colorize_neural.worker.colorizer import Colorizer, Options, Outcome
from colorize_neural.worker.devices import Devices, Trials, tried
from colorize_neural.worker.models import Model, read_models
from colorize_neural.worker.sessions import Session, open_ahead

from tests.absence import absent
from tests.tiny_models import make_models

DARK, BRIGHT = (np.full((64, 96), lightness, np.float32) for lightness in (20, 80))
ORANGE, BLUE = [20, 40], [0, -40]
IDLE = "AzureExecutionProvider"  # part of ONNX Runtime's usual builds, and takes no operator of ours
pytestmark = pytest.mark.usefixtures("own_log")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    folder = make_models(tmp_path_factory.mktemp("models"), ["orange", "slow", "greedy"])
    return {model.id: model for model in read_models(folder)}


def trials(at_once: int = 1) -> Trials:
    return Trials("a model", at_once, ["a provider"])


def devices(models: dict[str, Model], asked: str, cpu: str, gpu: str, at_once: int = 1) -> Devices:
    """As a machine has them on which the CPU runs one model, and the GPU another."""
    return Devices(asked, lambda device: Session(models[cpu if device == "cpu" else gpu], "cpu"), trials(at_once))


def ran(devices: Devices, L: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> tuple[list[float], str, str]:
    """The colour, the device and the note."""
    answer = devices.run(L, [1.0])
    return answer.ab[0, 0, 0].tolist(), answer.device, answer.note


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_trial_finds_what_each_session_costs(models: dict[str, Model], at_once: int) -> None:
    sessions = {"cpu": Session(models["slow"], "cpu", threads=1), "gpu": Session(models["orange"], "cpu", threads=1)}
    found = tried(sessions, DARK, at_once)
    assert found["cpu"] > 3 * found["gpu"] > 0


def test_auto_takes_the_faster_device_and_says_why_that_is_the_cpu(models: dict[str, Model]) -> None:
    slow_cpu, slow_gpu = devices(models, "auto", "slow", "orange", at_once=2), devices(models, "auto", "orange", "slow")
    assert ran(slow_cpu, DARK) == (ORANGE, "gpu", "")
    assert ran(slow_gpu, DARK) == (ORANGE, "cpu", "Ran on the CPU, because it is faster here than the GPU.")


def test_a_single_photograph_also_waits_until_the_gpu_is_ready_and_a_folder_does_not(models: dict[str, Model]) -> None:
    def opened(device: str) -> Session:
        time.sleep(0.3 * (device == "gpu"))
        return Session(models["orange"], "cpu")

    for at_once, waits in ((1, True), (2, False)):
        Devices("auto", opened, trials(at_once)).run(DARK, [1.0])
        found = trials(at_once).find(DARK.shape)
        assert found and (found["gpu"] > 0.3) == waits


def test_what_was_found_is_remembered_for_that_size_and_so_many_at_once(models: dict[str, Model]) -> None:
    slower = {"cpu": 9.0, "gpu": 1.0}
    trials().keep(DARK.shape, slower)
    assert ran(devices(models, "auto", "orange", "slow"), DARK)[1] == "gpu"
    assert ran(devices(models, "auto", "orange", "slow"), DARK.T)[1] == "cpu"
    assert ran(devices(models, "auto", "orange", "slow", at_once=2), DARK)[1] == "cpu"
    assert trials().find(DARK.shape) == slower
    assert trials().find(DARK.T.shape) != slower


@pytest.mark.parametrize("content", ["", "[7]", "no JSON", '{"%s": 7}', '{"%s": {"cpu": "fast", "gpu": null}}'])
def test_a_damaged_memory_is_made_anew(models: dict[str, Model], content: str) -> None:
    trials().keep(DARK.shape, {"cpu": 9.0, "gpu": 1.0})
    file = settings.data_folder() / "devices.json"
    (key,) = json.loads(file.read_text())
    file.write_text(content.replace("%s", key))
    assert ran(devices(models, "auto", "orange", "slow"), DARK)[1] == "cpu"
    found = trials().find(DARK.shape)
    assert found and found["cpu"] < found["gpu"]


def test_where_nothing_can_be_written_each_process_tries_once(
    models: dict[str, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    known = trials()
    auto = Devices("auto", lambda device: Session(models["slow" if device == "gpu" else "orange"], "cpu"), known)
    assert ran(auto, DARK)[1] == "cpu"
    found = known.find(DARK.shape)
    assert ran(auto, DARK)[1] == "cpu"
    assert found == known.find(DARK.shape) and trials().find(DARK.shape) is None


def test_several_threads_share_one_trial_and_its_sessions(models: dict[str, Model]) -> None:
    opened: list[str] = []

    def noted(device: str) -> Session:
        opened.append(device)
        return Session(models["slow" if device == "cpu" else "orange"], "cpu")

    shared = Devices("auto", noted, trials(at_once=4))
    with ThreadPoolExecutor(4) as pool:
        assert {one[1] for one in pool.map(lambda _: ran(shared, DARK), range(8))} == {"gpu"}
    assert opened == ["cpu", "gpu"]


def test_where_the_gpu_has_too_little_memory_the_cpu_takes_that_photograph_and_those_that_follow(
    models: dict[str, Model], own_log: Path
) -> None:
    trials().keep(DARK.shape, {"cpu": 9.0, "gpu": 1.0})
    auto = devices(models, "auto", "orange", "greedy")
    assert ran(auto, DARK) == (BLUE, "gpu", "")
    on_cpu = (ORANGE, "cpu", "Ran on the CPU, because the GPU failed (too little memory).")
    assert [ran(auto, BRIGHT), ran(auto, DARK)] == [on_cpu, on_cpu]
    assert "Failed to allocate memory" in own_log.read_text()


def test_a_gpu_that_fails_when_it_is_tried_is_not_taken_and_tried_again_next_time(models: dict[str, Model]) -> None:
    assert ran(devices(models, "auto", "orange", "greedy"), BRIGHT)[1] == "cpu"
    assert trials().find(BRIGHT.shape) is None


def test_where_only_the_gpu_will_do_its_failure_is_a_sentence_and_the_next_photograph_may_work(
    models: dict[str, Model],
) -> None:
    only = devices(models, "gpu", "orange", "greedy")
    with pytest.raises(ColorizeError, match=r"the GPU failed \(too little memory\): choose the device auto or cpu"):
        only.run(BRIGHT, [1.0])
    assert ran(only, DARK) == (BLUE, "gpu", "")


def test_what_fails_on_the_cpu_too_is_no_endless_round(models: dict[str, Model]) -> None:
    with pytest.raises(Exception, match="Failed to allocate memory"):
        devices(models, "auto", "greedy", "greedy").run(BRIGHT, [1.0])


def test_without_a_provider_for_gpus_nothing_is_tried_and_nothing_written(models: dict[str, Model]) -> None:
    if providers.gpu_providers():
        absent("this ONNX Runtime has a provider for GPUs")
    outcome = coloured(models["orange"].file.parent)
    assert outcome == Outcome("cpu", "Ran on the CPU, because this installation is one for CPUs.")
    assert not settings.data_folder().exists()


def test_that_a_model_is_damaged_is_told_before_that_no_gpu_runs(models: dict[str, Model], tmp_path: Path) -> None:
    (tmp_path / "orange.onnx").write_bytes(models["orange"].file.read_bytes()[:-1])
    for device in ("cpu", "gpu"):
        with pytest.raises(ColorizeError, match="damaged"):
            Session(replace(models["orange"], file=tmp_path / "orange.onnx"), device)


def test_a_provider_is_tried_through_the_colorizer_and_remembered(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "GPU_PROVIDERS", {IDLE: {}})
    if not providers.gpu_providers():
        absent(f"this ONNX Runtime has no {IDLE}")
    folder, file = models["orange"].file.parent, settings.data_folder() / "devices.json"
    assert coloured(folder, device="gpu") == Outcome("gpu", "")
    assert not file.exists()
    assert coloured(folder).device in ("cpu", "gpu")
    ((key, found),) = json.loads(file.read_text()).items()
    assert key.split()[:4] == [models["orange"].sha256, "64x64", "x1", IDLE]
    file.write_text(json.dumps({key: found | {"gpu": 0.0}}))
    assert coloured(folder) == Outcome("gpu", "")


def coloured(folder: Path, **options: str) -> Outcome:
    grey = np.full((80, 80, 3), 128, np.uint8)
    return Colorizer(folder).colorize(grey, Options(model="orange", **options), lambda _fraction, _text: None)  # type: ignore[arg-type]


def test_tensorrt_is_tried_only_where_its_engines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["TensorrtExecutionProvider", "CUDAExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: both)
    monkeypatch.delenv("ORT_TENSORRT_CACHE_PATH", raising=False)
    assert providers.gpu_providers() == both[1:]
    monkeypatch.setenv("ORT_TENSORRT_CACHE_PATH", "engines")
    assert providers.gpu_providers() == both


def test_a_session_made_ahead_serves_once_and_no_other_model(
    models: dict[str, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_HEAD_START", 60)
    ahead = replace(models["orange"], file=tmp_path / "orange.onnx")

    def made_ahead() -> None:
        shutil.copy(models["orange"].file, ahead.file)
        open_ahead(ahead)
        ahead.file.unlink()  # so that nothing but the session made ahead can run

    made_ahead()
    assert Session(ahead, "cpu").run(DARK, [0.5]).shape[0] == 1
    with pytest.raises(ColorizeError, match="cannot be read"):
        Session(ahead, "cpu")
    made_ahead()
    assert Session(models["slow"], "cpu").run(DARK, [0.5]).shape[0] == 1
    with pytest.raises(ColorizeError, match="cannot be read"):
        Session(ahead, "cpu")
