"""How long a CPU learns where memory is kept from step to step, beside the C library's own ways.

Training steps of the default model's network in 32 bits, each way in a process of its own, in turns; the fastest
of each.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

from export.allocation import keep_memory
from export.networks.efficientnet_unet import EfficientNetUNet
from tests.bench.processes import output
from tests.bench.results import Row, row_of_seconds

TURNS, STEPS = 2, 4
CROPS, SIDE = 24, 160  # pixels


def rows() -> list[Row]:
    times: dict[str, list[float]] = {"kept": [], "given back": []}
    for _ in range(TURNS):
        for way, own in times.items():
            printed = output(sys.executable, "-m", "tests.bench.allocation", way).split()  # the encoder's loader talks
            own.append(float(printed[-1]))
    fastest = [min(own) for own in times.values()]
    return [row_of_seconds("allocation", "a training step, beside one that gives memory back", fastest)]


def _fastest_step(network: nn.Module) -> float:
    """Seconds."""
    grey = torch.rand(CROPS, 1, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        network(grey).logsumexp(1).mean().backward()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    if sys.argv[1] == "kept":
        keep_memory()
    print(_fastest_step(EfficientNetUNet("lite0", [192, 128, 96], attention=True)))
