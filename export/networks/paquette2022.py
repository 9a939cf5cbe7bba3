"""Paquette's six convolutional colorizers (2022).

    L (B, 1, H, W), 0..100  ->  ab (B, 2, H, W), Lab units;  H and W are multiples of 8

Inside, Lab is as OpenCV stores it in 8 bits, divided by 255: L / 100 and (ab + 128) / 255. `width` is always the
channels of the first layer. All start at grey, for a ReLU at the end that starts below 0 would never learn.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from math import atanh, log

import torch
from torch import Tensor, nn

from export.networks.zhang2016 import BLOCKS, first_seven_blocks

RANGE, MIDDLE = 255.0, 128.0  # Lab units
GREY = MIDDLE / RANGE
#  how a network may end: the bias of its last convolution that makes it grey
ENDS: dict[type[nn.Module], float] = {nn.Tanh: atanh(GREY), nn.ReLU: GREY, nn.Sigmoid: log(GREY / (1 - GREY))}


class Paquette2022(nn.Module):
    """What the six have in common: L / 100 (B, 1, H, W) -> `layers` -> (ab + 128) / 255 (B, 2, H, W)."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, L: Tensor) -> Tensor:
        stored: Tensor = self.layers(L / 100)
        if not self.training:
            stored = stored.clamp(0, 1)  # 8 bits hold no more
        return stored * RANGE - MIDDLE


class Classic(Paquette2022):
    """Pooling encoder, fusion of its answer with a convolution of it, decoder; tanh."""

    def __init__(self, width: int) -> None:
        w = width
        super().__init__(
            nn.Sequential(
                *(*_leaky(1, w), nn.BatchNorm2d(w), nn.MaxPool2d(2)),
                *(*_leaky(w, 2 * w), nn.BatchNorm2d(2 * w), nn.MaxPool2d(2)),
                *(*_leaky(2 * w, 4 * w), nn.BatchNorm2d(4 * w), nn.MaxPool2d(2)),
                Beside(nn.Identity(), nn.Sequential(*_leaky(4 * w, 4 * w))),
                *(nn.Upsample(scale_factor=2), *_leaky(8 * w, 4 * w), nn.BatchNorm2d(4 * w)),
                *(nn.Upsample(scale_factor=2), *_leaky(4 * w, 2 * w), nn.BatchNorm2d(2 * w)),
                *(nn.Upsample(scale_factor=2), *_leaky(2 * w, w)),
                *_answer(w, nn.Tanh),
            )
        )


class Basic(Paquette2022):
    """Nothing but convolutions of the whole size with ReLU; tanh."""

    def __init__(self, width: int) -> None:
        w = width
        shares = (1, w, w, 2 * w, 2 * w, 2 * w, w, w)
        layers = [layer for below, channels in pairwise(shares) for layer in _relu(below, channels)]
        super().__init__(nn.Sequential(*layers, *_answer(w, nn.Tanh)))


class ConvSampling(Paquette2022):
    """Every second convolution of the encoder has a stride of 2; ReLU throughout, at the end too."""

    def __init__(self, width: int) -> None:
        w = width
        super().__init__(
            nn.Sequential(
                *(*_relu(1, w), *_relu(w, w, stride=2)),
                *(*_relu(w, 2 * w), *_relu(2 * w, 2 * w, stride=2)),
                *(*_relu(2 * w, 4 * w), *_relu(4 * w, 4 * w, stride=2)),
                *(*_relu(4 * w, 8 * w), *_relu(8 * w, 4 * w), *_relu(4 * w, 2 * w)),
                *(nn.Upsample(scale_factor=2), *_relu(2 * w, w)),
                *(nn.Upsample(scale_factor=2), *_relu(w, w)),
                *(nn.Upsample(scale_factor=2), *_relu(w, w)),
                *_answer(w, nn.ReLU),
            )
        )


class LargeKernel(Paquette2022):
    """11x11 kernels, strides, batch normalisation; sigmoid. A recipe's [lasso] names `layers.encoder`."""

    def __init__(self, width: int) -> None:
        w = width
        encoder = nn.Sequential(
            *(*_relu(1, w, 11, stride=2), nn.BatchNorm2d(w)),
            *(*_relu(w, 2 * w, 11, stride=2), nn.BatchNorm2d(2 * w)),
            *(*_relu(2 * w, 4 * w, 11, stride=2), nn.BatchNorm2d(4 * w)),
        )
        decoder = nn.Sequential(
            *(nn.Upsample(scale_factor=2), *_relu(4 * w, 2 * w, 11), nn.BatchNorm2d(2 * w)),
            *(nn.Upsample(scale_factor=2), *_relu(2 * w, w, 11), nn.BatchNorm2d(w)),
            *(nn.Upsample(scale_factor=2), *_answer(w, nn.Sigmoid, kernel=11)),
        )
        super().__init__(nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder)))


class Zhang(Paquette2022):
    """Zhang 2016 (figure 2), smaller, normalised over the channels of each pixel, for regression; sigmoid."""

    def __init__(self, width: int) -> None:
        shares = (share for share, *_ in BLOCKS)
        blocks = [
            nn.Sequential(*list(block)[:-1], ChannelNorm(share * width))  # in place of the batch's
            for share, block in zip(shares, first_seven_blocks(width), strict=True)
        ]
        answer, end = _answer(4 * width, nn.Sigmoid)
        super().__init__(
            nn.Sequential(
                *blocks,
                *(nn.ConvTranspose2d(8 * width, 4 * width, 4, stride=2, padding=1), nn.ReLU()),
                *(*_relu(4 * width, 4 * width), *_relu(4 * width, 4 * width)),
                *(answer, nn.Upsample(scale_factor=4, mode="bilinear"), end),
            )
        )


class Split(Paquette2022):
    """An encoder with strides, and a decoder for each of a and b; tanh."""

    def __init__(self, width: int) -> None:
        w = width
        encoder = nn.Sequential(
            *(*_relu(1, w, stride=2), nn.BatchNorm2d(w)),
            *(*_relu(w, 2 * w, stride=2), nn.BatchNorm2d(2 * w)),
            *(*_relu(2 * w, 4 * w, stride=2), nn.BatchNorm2d(4 * w)),
            *(*_relu(4 * w, 4 * w), nn.BatchNorm2d(4 * w)),
        )
        super().__init__(nn.Sequential(encoder, Beside(_split_decoder(w), _split_decoder(w))))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation as Keras does it: of the channels of each pixel, (B, C, h, w) -> the same."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Beside(nn.Module):
    """The channels of all branches' answers to the same input."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class Float32(nn.Module):
    """What 16 bits of a training have made, in 32: an end in 16 would have few steps."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float()


def _split_decoder(w: int) -> nn.Sequential:
    """features (B, 4w, H/8, W/8) -> one of a and b (B, 1, H, W)."""
    return nn.Sequential(
        *(nn.Upsample(scale_factor=2), *_relu(4 * w, 2 * w), nn.BatchNorm2d(2 * w)),
        *(nn.Upsample(scale_factor=2), *_relu(2 * w, w), nn.BatchNorm2d(w)),
        *(nn.Upsample(scale_factor=2), *_relu(w, w), nn.BatchNorm2d(w)),
        *_answer(w, nn.Tanh, channels=1),
    )


def _leaky(below: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(below, channels, 3, padding=1), nn.LeakyReLU(0.3)]  # the slope that Keras gives it


def _relu(below: int, channels: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(below, channels, kernel, stride, padding=kernel // 2), nn.ReLU()]


def _answer(below: int, end: type[nn.Module], channels: int = 2, kernel: int = 3) -> tuple[nn.Conv2d, nn.Sequential]:
    """The last convolution, which starts at grey, and how its answer is bounded."""
    convolution = nn.Conv2d(below, channels, kernel, padding=kernel // 2)
    assert convolution.bias is not None, "it has one unless told otherwise"
    nn.init.constant_(convolution.bias, ENDS[end])
    return convolution, nn.Sequential(Float32(), end())
