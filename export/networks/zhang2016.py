"""Zhang, Isola and Efros, "Colorful image colorization", ECCV 2016 (figure 2, table 4).

    L (B, 1, H, W), 0..100  ->  scores of the colour bins (B, Q, H/4, W/4);  H and W are multiples of 8

The layers have the names and the order of the authors' published weights: model1 to model8.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from export.bins import bin_centers

# channels in multiples of the first block's, convolutions, stride of the last of them, dilation
BLOCKS = [(1, 2, 2, 1), (2, 2, 2, 1), (4, 3, 2, 1), (8, 3, 1, 1), (8, 3, 1, 2), (8, 3, 1, 2), (8, 3, 1, 1)]


class Zhang2016(nn.Sequential):
    """`width` is the first block's channels, 64 in the paper; the others keep their proportions to it."""

    def __init__(self, width: int = 64) -> None:
        blocks = [*first_seven_blocks(width), _eighth_block(width)]
        super().__init__(OrderedDict((f"model{number}", part) for number, part in enumerate(blocks, 1)))

    def forward(self, L: Tensor) -> Tensor:
        x = (L - 50) / 100
        for part in self:
            x = part(x)
        return x


def first_seven_blocks(width: int, before: int = 1, strided: bool = True) -> list[nn.Sequential]:
    """grey (B, before, H, W) -> features (B, 8 * width, H/8, W/8), when run one after the other.

    Where they are not `strided`, the first three leave it to their caller to halve what they answer.
    """
    blocks = []
    for share, convolutions, stride, dilation in BLOCKS:
        blocks.append(block(before, share * width, convolutions, stride if strided else 1, dilation))
        before = share * width
    return blocks


def block(before: int, channels: int, convolutions: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Each 3x3 convolution with its ReLU, the last one with the stride; normalised over the batch at the end."""
    layers: list[nn.Module] = []
    for number in range(1, convolutions + 1):
        step = stride if number == convolutions else 1
        layers += [nn.Conv2d(before, channels, 3, step, padding=dilation, dilation=dilation), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


def _eighth_block(width: int) -> nn.Sequential:
    """features (B, 8 * width, H/8, W/8) -> scores of the colour bins (B, Q, H/4, W/4)."""
    channels = 4 * width
    return nn.Sequential(
        *(nn.ConvTranspose2d(8 * width, channels, 4, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()),
        nn.Conv2d(channels, len(bin_centers()), 1),
    )
