"""ab under D65, in which published networks and bins speak, as ab under D50: `ab_under_d50` of color.py in torch.

    L (1, 1, h, w), 0..100;  ab under D65 (T, 2, h, w)  ->  ab under D50 (T, 2, h, w)

A colour goes from Lab to XYZ, is adapted by the Bradford method (ICC.1:2022, annex E), and goes back to Lab. Neutral
stays neutral, of the same L. That the L of other colours changes is left out: the photograph keeps its own.
"""

from __future__ import annotations

import torch
from colorize_neural.worker.color import D50_FROM_D65
from torch import Tensor, nn

from export.lab import curved, uncurved


class D50FromD65(nn.Module):
    """Part of an exported graph, in float32."""

    adaptation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adaptation", torch.from_numpy(D50_FROM_D65.copy()))

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        a, b = ab[:, :1], ab[:, 1:]
        fy = (L + 16) / 116
        shares = uncurved(torch.cat([fy + a / 500, fy + 0 * a, fy - b / 200], dim=1))
        fx, fy, fz = curved(torch.einsum("sc,tchw->tshw", self.adaptation, shares)).unbind(1)
        return torch.stack([500 * (fx - fy), 200 * (fy - fz)], dim=1)
