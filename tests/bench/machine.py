"""The machine that measures, without its name: processor, memory, system, and the versions of what does the work."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import cv2
import onnxruntime
import pyvips
from colorize_neural.worker.cores import cores


def machine() -> dict[str, str]:
    """Facts by their names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "instructions": instructions(),
        "cores": str(cores()),
        "memory": f"{memory / 1e9:.0f} GB",
        "system": system(),
        "Python": platform.python_version(),
        "ONNX Runtime": onnxruntime.__version__,
        "OpenCV": cv2.__version__,
        "libvips": ".".join(str(pyvips.version(place)) for place in range(3)),
    }


def processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def instructions() -> str:
    """The newest set that OpenCV found, AVX2 or AVX512-SKX say: it decides more than the processor's name."""
    found = [name for name in cv2.getCPUFeaturesLine().split() if not name.endswith("?")]
    return found[-1].lstrip("*") if found else platform.machine()


def system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform(terse=True)
