"""Which build of ONNX Runtime a machine is to have, and the reason that is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from colorize_neural.errors import ColorizeError

from installer import runtimes
from installer.runtimes import BUILDS, Machine
from tests.machines import REPOSITORY, make_program

LINUX, WINDOWS, MAC = "Linux-x86_64", "Windows-AMD64", "Darwin-arm64"
CARD = "NVIDIA GeForce RTX 4070, 580.65.06, 8.9"


@pytest.mark.parametrize(
    ("machine", "name", "reason"),
    [
        (Machine(LINUX, (3, 13)), "cpu", "no graphics card"),
        (Machine(LINUX, (3, 13), nvidia=CARD), "cuda", "RTX 4070"),
        (Machine(LINUX, (3, 13), nvidia="NVIDIA GeForce GTX 1080, 580.65.06, 6.1"), "cpu", "needs a newer card"),
        (Machine(LINUX, (3, 13), nvidia="NVIDIA GeForce RTX 4070, 535.1, 8.9"), "cpu", "needs its driver 580"),
        (Machine(LINUX, (3, 10), nvidia=CARD), "cpu", "there is no cuda build"),
        (Machine("Linux-aarch64", (3, 13), nvidia=CARD), "cpu", "there is no cuda build"),
        (Machine(LINUX, (3, 13), intel=True), "openvino", "Intel"),
        (Machine(LINUX, (3, 14), intel=True), "cpu", "there is no openvino build"),
        (Machine(LINUX, (3, 13), nvidia=CARD, intel=True), "cuda", "RTX 4070"),
        (Machine(WINDOWS, (3, 13)), "directml", "DirectML"),
        (Machine(WINDOWS, (3, 13), nvidia=CARD), "directml", "every make"),
        (Machine("Windows-ARM64", (3, 13)), "cpu", "there is no directml build"),
        (Machine(MAC, (3, 13)), "coreml", "Core ML"),
        (Machine("Darwin-x86_64", (3, 13)), "cpu", "there is no coreml build"),
    ],
)
def test_the_build_is_chosen_by_what_is_seen(machine: Machine, name: str, reason: str) -> None:
    build, why = runtimes.choose("auto", machine)
    assert build.name == name
    assert reason in why


@pytest.mark.parametrize("device", BUILDS)
def test_what_the_user_says_is_taken_where_there_is_such_a_build(device: str) -> None:
    machines = [Machine(system, (3, 12), nvidia=CARD) for system in (LINUX, WINDOWS, MAC)]
    assert [machine for machine in machines if BUILDS[device].is_for(machine)]
    for machine in machines:
        if BUILDS[device].is_for(machine):
            assert runtimes.choose(device, machine)[0].name == device
        else:
            with pytest.raises(ColorizeError, match="choose --device auto or cpu"):
                runtimes.choose(device, machine)


def test_a_card_of_nvidias_is_seen_by_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_program(tmp_path / "nvidia-smi", f"echo {CARD}; echo NVIDIA H200, 580.65.06, 9.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert runtimes.seen().nvidia == CARD
    make_program(tmp_path / "nvidia-smi", "echo NVIDIA-SMI has failed; exit 9")
    assert runtimes.seen().nvidia == ""


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_each_build_has_a_lock_that_names_one_onnx_runtime(build: runtimes.Build) -> None:
    lock = (REPOSITORY / f"plugin/runtimes/{build.lock}.lock").read_text()
    named = {line.partition("==")[0] for line in lock.splitlines() if line.startswith("onnxruntime")}
    assert len(named) == 1
    others = (REPOSITORY / "plugin/requirements.lock").read_text().splitlines()
    assert not [line for line in others if line.partition("==")[0] in named]
