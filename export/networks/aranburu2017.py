"""Aranburu, Giri, Gutierrez and Reeves, a convolutional colorizer (2017).

    L (B, 1, H, W), 0..100  ->  ab (B, 2, H, W), Lab units;  H and W are multiples of 2 ** halvings

Seven layers, each a convolution, ReLU, batch normalisation and a halving; one deconvolution; tanh. Seven halvings
leave nothing of their photographs of 32 or 64 pixels: the first three layers halve, as in Zhang 2016, the others not.
"""

from __future__ import annotations

from torch import Tensor, nn

SHARES = (1, 2, 4, 4, 4, 4, 4)  # channels in multiples of the first layer's
RANGE = 128.0  # Lab units: what their 1 stands for


class Aranburu2017(nn.Module):
    """`width` is the first layer's channels; with a `stride` of 2 a convolution halves before the pooling does."""

    def __init__(self, width: int, kernel: int = 3, stride: int = 1, dropout: float = 0.4, halvings: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        below, left = 1, 2**halvings
        for channels in (share * width for share in SHARES):
            step = min(stride, left)
            pool = min(2, left // step)
            left //= step * pool
            layers += [nn.Conv2d(below, channels, kernel, step, padding=kernel // 2), nn.ReLU()]
            layers += [nn.BatchNorm2d(channels), nn.MaxPool2d(pool)]
            below = channels
        up = 2**halvings
        self.layers = nn.Sequential(*layers, nn.Dropout(dropout))
        self.deconvolution = nn.ConvTranspose2d(below, 2, kernel_size=2 * up, stride=up, padding=up // 2)

    def forward(self, L: Tensor) -> Tensor:
        answer: Tensor = self.deconvolution(self.layers((L - 50) / 50))
        return answer.float().tanh() * RANGE
