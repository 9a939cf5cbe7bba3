"""Li and Wang's colorizers: one trunk, three ways to answer.

L (B, 1, H, W), 0..100  ->  regression: ab (B, 2, h, w), Lab units; classification: scores of the bins (B, 313, h, w)

Li and Wang, "Automatic image colorization" (2018), figure 4. Their layers 1 to 7 are those of Zhang 2016; three
deconvolutions then bring back the whole size: h = H. The transfer network takes a pretrained classifier's convolutions
in their place, at stride 16 as VGG16's last ones are, so that h = H / 2. H and W are multiples of 8, or 16.
"""

from __future__ import annotations

import torch
from colorize_neural.errors import ColorizeError
from torch import Tensor, nn

from export.bins import bin_centers
from export.networks.efficientnet_unet import Encoder
from export.networks.zhang2016 import first_seven_blocks

RANGE = 255.0  # Lab units: what their 0..1 stands for
_VGG16 = (64, 64, None, 128, 128, None, 256, 256, 256, None, 512, 512, 512, None, 512, 512, 512)  # None halves


class Wang2018(nn.Module):
    """`answer` is "regression" or "classification"; `width` the channels of the first block, 64 in the paper."""

    def __init__(self, answer: str, width: int = 64) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*first_seven_blocks(width))
        self.head = Head(8 * width, 4 * width, answer)

    def forward(self, L: Tensor) -> Tensor:
        answer: Tensor = self.head(self.trunk(L / 100))
        return answer


class Wang2018Transfer(nn.Module):
    """`pretrained` is "lite0", "lite1" or "vgg16", whose weights file (torchvision's) its user has at `weights`."""

    def __init__(self, answer: str, pretrained: str, width: int = 64, weights: str = "") -> None:
        super().__init__()
        self.encoder: nn.Module
        if pretrained == "vgg16":
            self.encoder, channels = Vgg16(weights), 512
        else:
            lite = Encoder(pretrained, deepest=16)
            self.encoder, channels = lite, lite.channels[-1]
        self.head = Head(channels, 4 * width, answer)

    def forward(self, L: Tensor) -> Tensor:
        features = self.encoder((L - 50) / 50)
        answer: Tensor = self.head(features if isinstance(features, Tensor) else features[-1])
        return answer


class Head(nn.Module):
    """Blocks 8 and 9: features (B, channels, h, w) -> (B, 2 or 313, 8h, 8w)."""

    def __init__(self, channels: int, width: int, answer: str) -> None:
        super().__init__()
        up = []
        for below in (channels, width, width):
            up += [nn.ConvTranspose2d(below, width, kernel_size=4, stride=2, padding=1), nn.ReLU()]
        self.up = nn.Sequential(*up)
        self.regresses = answer == "regression"
        self.answer = nn.Conv2d(width, 2 if self.regresses else len(bin_centers()), kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        answer: Tensor = self.answer(self.up(features))
        if not self.regresses:
            return answer
        return (torch.sigmoid(answer.float()) - 0.5) * RANGE


class Vgg16(nn.Module):
    """VGG16's thirteen convolutions (Simonyan and Zisserman 2015): grey (B, 1, H, W), -1..1 -> (B, 512, H/16, W/16)."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, weights: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        below = 3
        for width in _VGG16:
            if width is None:
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(below, width, 3, padding=1), nn.ReLU()]
                below = width
        self.features = nn.Sequential(*layers)
        for name, values in (("mean", (0.485, 0.456, 0.406)), ("deviation", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(values)[:, None, None])
        self._load(weights)

    def _load(self, file: str) -> None:
        if not file:
            raise ColorizeError('"vgg16" brings no weights of its own: name torchvision\'s vgg16-*.pth as `weights`.')
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
            own = "features."
            self.features.load_state_dict({k.removeprefix(own): v for k, v in state.items() if k.startswith(own)})
        except FileNotFoundError as error:
            raise ColorizeError(f"There is no {file}: name torchvision's vgg16-*.pth.") from error
        except Exception as error:  # torch raises many kinds
            raise ColorizeError(f"{file} holds no VGG16 weights: name torchvision's vgg16-*.pth.") from error

    def forward(self, grey: Tensor) -> Tensor:
        rgb = (grey.expand(-1, 3, -1, -1) + 1) / 2
        features: Tensor = self.features((rgb - self.mean) / self.deviation)
        return features
