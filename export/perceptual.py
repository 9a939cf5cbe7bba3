"""How alike two colourings of a photograph look to a network that knows ImageNet: losses for the decoded ab.

    L (B, 1, H, W), 0..100;  ab and true ab (B, 2, h, w), Lab units  ->  scalars, 0 where they are the same

perceptual: Johnson, Alahi and Fei-Fei, "Perceptual losses for real-time style transfer", ECCV 2016, with an
EfficientNet-Lite in the place of VGG, each stage's squared distance as a share of the truth's energy, and the pooled
features beside them.

recognition: the Kullback-Leibler divergence, in nats, of the chances that it gives ImageNet's classes when it sees the
colouring from those when it sees the truth.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.lab import rgb_from_lab
from export.networks.efficientnet_unet import Encoder, pretrained

_POOLED_WEIGHT = 2.0  # beside four stages: what is in the photograph counts more than any one texture


class Perceptual:
    """Holds the frozen network; no torch module, so that no checkpoint, average or optimizer takes it for a part."""

    def __init__(self, encoder: str) -> None:
        """encoder: a key of WEIGHT_FILES."""
        self._network = _Features(encoder).eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(
        self, L: Tensor, ab: Tensor, true_ab: Tensor, averaged: Callable[[Tensor], Tensor] = lambda energies: energies
    ) -> dict[str, Tensor]:
        """Both losses by their names. `averaged` makes of energies the mean of all processes that share a batch."""
        self._network.to(L.device)
        with torch.no_grad():
            wanted = self._seen(L, true_ab)
        found = self._seen(L, ab)
        energies = averaged(torch.stack([other.square().mean() for other in wanted]))
        errors = torch.stack([(one - other).square().mean() for one, other in zip(found, wanted, strict=True)])
        shares = errors / energies
        of_truth, of_ab = (F.log_softmax(self._network.classes(seen[-1]), dim=1) for seen in (wanted, found))
        return {
            "perceptual": shares[:-1].sum() + _POOLED_WEIGHT * shares[-1],
            "recognition": F.kl_div(of_ab, of_truth, reduction="batchmean", log_target=True),
        }

    def _seen(self, L: Tensor, ab: Tensor) -> list[Tensor]:
        with torch.autocast(L.device.type, enabled=False):
            rgb = rgb_from_lab(L, F.interpolate(ab.float(), size=L.shape[-2:], mode="bilinear", align_corners=False))
        return [features.float() for features in self._network(rgb)]


class _Features(nn.Module):
    """sRGB 0..1 (B, 3, H, W) -> features at strides 4, 8, 16 and 32, and the pooled ones (B, 1280)."""

    def __init__(self, name: str) -> None:
        super().__init__()
        whole = pretrained(name)
        self.encoder = Encoder(name)
        self.head = nn.Sequential(whole._conv_head, whole._bn1, nn.ReLU6())
        self.classes = whole._fc  # of the pooled features: ImageNet's, (B, 1000)

    def forward(self, rgb: Tensor) -> list[Tensor]:
        stages: list[Tensor] = self.encoder((rgb.contiguous(memory_format=torch.channels_last) * 255 - 127) / 128)
        return [*stages, self.head(stages[-1]).mean(dim=(2, 3))]
