"""How long a CPU learns with our backward pass of depthwise convolutions, beside the library's.

One training step of an EfficientNet-Lite0 encoder in bfloat16 on one thread, both ways, in turns; the fastest of each.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from export.networks.depthwise import Depthwise
from export.networks.efficientnet_unet import Encoder
from tests.bench.results import Row, row_of_seconds
from tests.bench.timing import fastest

TURNS = 4
CROPS, SIDE = 24, 144  # pixels


def rows() -> list[Row]:
    torch.set_num_threads(1)
    encoder = Encoder("lite0").to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it
    grey = torch.rand(CROPS, 1, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    convolutions = [module for module in encoder.modules() if isinstance(module, Depthwise)]

    def step(ours: bool) -> None:
        for convolution in convolutions:
            convolution.train(ours)  # else it is an ordinary convolution
        _step(encoder, grey)

    times = fastest(TURNS, partial(step, True), partial(step, False))
    return [row_of_seconds("depthwise", "a training step, beside one with the library's backward pass", times)]


def _step(encoder: nn.Module, grey: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        features: list[Tensor] = encoder(grey)
    sum(one.float().mean() for one in features).backward()  # type: ignore[union-attr]
