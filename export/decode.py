"""From what a network answers to ab: the part of the exported graph that makes it meet the contract.

L (1, 1, H, W), 0..100;  temperature (T,), > 0  ->  ab (T, 2, H', W') in Lab units
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from export.bins import bin_centers
from export.lab import ab_from_rgb
from export.yuv import ab_from_uv


class AnnealedMean(nn.Module):
    """Scores of the colour bins (1, Q, h, w) -> the mean colour of their sharpened distribution (T, 2, h, w).

    Zhang, Isola and Efros, ECCV 2016, section 2.3. Temperature 1 is the mean, near 0 the mode.
    """

    def __init__(self, centers: Tensor | None = None) -> None:
        """centers: ab (Q, 2) of other bins than Zhang's."""
        super().__init__()
        self.register_buffer("centers", torch.from_numpy(bin_centers()) if centers is None else centers)

    def forward(self, scores: Tensor, temperature: Tensor) -> Tensor:
        scores = scores - scores.amax(dim=1, keepdim=True)  # a temperature near 0 must not overflow
        chances = torch.softmax(scores / temperature[:, None, None, None], dim=1)
        return torch.einsum("tqhw,qc->tchw", chances, self.centers)


class PaletteMean(AnnealedMean):
    """The same for L and the scores of a palette's colours (1, 1 + Q, h, w)."""

    def __init__(self, palette: Tensor) -> None:
        """palette: sRGB 0..1 (Q, 3)."""
        super().__init__(ab_from_rgb(palette.T[None, :, :, None])[0, :, :, 0].T)

    def forward(self, answer: Tensor, temperature: Tensor) -> Tensor:
        return super().forward(answer[:, 1:], temperature)


class Spread(nn.Module):
    """Another decoder, whose low temperatures also set colours apart, and whose high ones bring them together.

    Their deviation from their mean over the photograph is multiplied by (default / temperature) ** exponent. The other
    decoder has a temperature half as far from the default one, for far from it it errs. At the default one both agree.
    """

    def __init__(self, decoder: nn.Module, default: float, exponent: float) -> None:
        super().__init__()
        self.decoder, self.default, self.exponent = decoder, default, exponent

    def forward(self, answer: Tensor, temperature: Tensor) -> Tensor:
        ab: Tensor = self.decoder(answer, (self.default * temperature).sqrt())
        mean = ab.mean(dim=(2, 3), keepdim=True)
        return mean + (ab - mean) * (self.default / temperature[:, None, None, None]) ** self.exponent


class Repeated(nn.Module):
    """ab of a regression (1, 2, h, w), whatever the temperature -> the same for each of them (T, 2, h, w)."""

    def forward(self, ab: Tensor, temperature: Tensor) -> Tensor:
        return ab.float() + 0 * temperature[:, None, None, None]


class AbOfYuv(Repeated):
    """The same for L, U and V (1, 3, h, w)."""

    def forward(self, luv: Tensor, temperature: Tensor) -> Tensor:
        return super().forward(ab_from_uv(luv[:, :1], luv[:, 1:]), temperature)


class ExportedColorizer(nn.Module):
    """A network and its decoder: what the ONNX file computes."""

    def __init__(self, network: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.decoder = decoder

    def forward(self, L: Tensor, temperature: Tensor) -> Tensor:
        ab: Tensor = self.decoder(self.network(L), temperature)
        return ab
