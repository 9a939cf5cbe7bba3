"""The builds of ONNX Runtime, and the one that this machine is to have.

what --device says, what is seen of the machine  ->  a build, and why it
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from colorize_neural.errors import ColorizeError

AUTO = "auto"
_CUDA_DRIVER, _CUDA_CAPABILITY = 580, 7.5  # the least that CUDA 13 works with
_INTEL_DRIVER = Path("/etc/OpenCL/vendors/intel.icd")
_ANSWERS_WITHIN = 20  # seconds


@dataclass(frozen=True)
class Build:
    """One build; `lock` is its file in plugin/runtimes/."""

    name: str
    lock: str
    systems: tuple[str, ...]  # those that have packages of it; none named: all
    pythons: tuple[tuple[int, int], tuple[int, int]] = ((3, 10), (3, 14))
    size: str = "110 MB"  # of all that is fetched with it

    def is_for(self, machine: Machine) -> bool:
        first, last = self.pythons
        return machine.system in (self.systems or (machine.system,)) and first <= machine.python <= last


@dataclass(frozen=True)
class Machine:
    """What the choice depends on."""

    system: str  # "Linux-x86_64", "Windows-AMD64", "Darwin-arm64", ...
    python: tuple[int, int]
    nvidia: str = ""  # "name, driver's version, compute capability" of the first card
    intel: bool = False  # a graphics processor of Intel's, with the driver to compute on it


CPU = Build("cpu", "cpu", ())
BUILDS = {
    build.name: build
    for build in (
        CPU,
        Build("cuda", "cuda", ("Linux-x86_64", "Windows-AMD64"), ((3, 11), (3, 14)), "2 GB"),
        Build("directml", "directml", ("Windows-AMD64",), ((3, 11), (3, 14))),
        Build("coreml", "cpu", ("Darwin-arm64",)),  # it is part of that build
        Build("openvino", "openvino", ("Linux-x86_64", "Windows-AMD64"), ((3, 11), (3, 13))),
    )
}


def seen() -> Machine:
    """This machine."""
    system = f"{platform.system()}-{platform.machine()}"
    return Machine(system, sys.version_info[:2], _nvidia_card(), _INTEL_DRIVER.exists())


def choose(device: str, machine: Machine) -> tuple[Build, str]:
    """The build, and why: a sentence's end."""
    if device != AUTO:
        build = BUILDS[device]
        if not build.is_for(machine):
            python = "{}.{}".format(*machine.python)
            raise ColorizeError(
                f"There is no {device} build of ONNX Runtime for {machine.system} and Python {python}: "
                f"please choose --device {AUTO} or cpu."
            )
        return build, "as you said"
    against = "no graphics card was found that it can compute on"
    for name, wish in _wishes(machine).items():
        objection = _against_cuda(machine.nvidia) if name == "cuda" else ""
        if not BUILDS[name].is_for(machine):
            objection = f"there is no {name} build for this system and Python"
        if wish and not objection:
            return BUILDS[name], wish
        if wish:
            against = f"{wish}, but {objection}"
    return CPU, against


def _wishes(machine: Machine) -> dict[str, str]:
    """What speaks for each build that computes on a graphics card, the best one first."""
    return {
        "directml": "Windows has DirectML for cards of every make" if machine.system.startswith("Windows") else "",
        "coreml": "macOS has Core ML" if machine.system.startswith("Darwin") else "",
        "cuda": f"there is a card of NVIDIA's ({machine.nvidia})" if machine.nvidia else "",
        "openvino": "there is a graphics processor of Intel's" if machine.intel else "",
    }


def _against_cuda(card: str) -> str:
    numbers = re.fullmatch(r".*, *(\d+)[\d.]*, *([\d.]+)", card)
    if numbers and int(numbers[1]) < _CUDA_DRIVER:
        return f"CUDA 13 needs its driver {_CUDA_DRIVER} or newer"
    if numbers and float(numbers[2]) < _CUDA_CAPABILITY:
        return f"CUDA 13 needs a newer card (compute capability {_CUDA_CAPABILITY})"
    return ""


def _nvidia_card() -> str:
    """What the driver says of the first card; "" where there is no driver."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWERS_WITHIN, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.partition("\n")[0].strip()
