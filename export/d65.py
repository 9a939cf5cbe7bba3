"""ab under D65, in which published networks and bins speak, as ab under D50, in which the editor speaks.

    L (1, 1, h, w), 0..100;  ab under D65 (T, 2, h, w)  ->  ab under D50 (T, 2, h, w)

A colour goes from Lab to XYZ, is adapted by the Bradford method (ICC.1:2022, annex E), and goes back to Lab. Neutral
stays neutral, of the same L. That the L of other colours changes is left out: the photograph keeps its own.
"""

from __future__ import annotations

import numpy as np
import torch
from colorize_neural.worker.color import Float
from torch import Tensor, nn

from export.lab import curved, uncurved

D65, D50 = np.array([0.95047, 1.0, 1.08883]), np.array([0.96422, 1.0, 0.82521])  # XYZ
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class D50FromD65(nn.Module):
    """Part of an exported graph, in float32."""

    adaptation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adaptation", torch.from_numpy(_adapted_shares().astype(np.float32)))

    def forward(self, L: Tensor, ab: Tensor) -> Tensor:
        a, b = ab[:, :1], ab[:, 1:]
        fy = (L + 16) / 116
        shares = uncurved(torch.cat([fy + a / 500, fy + 0 * a, fy - b / 200], dim=1))
        fx, fy, fz = curved(torch.einsum("sc,tchw->tshw", self.adaptation, shares)).unbind(1)
        return torch.stack([500 * (fx - fy), 200 * (fy - fz)], dim=1)


def _adapted_shares() -> Float:
    """From X/Xn, Y/Yn and Z/Zn under D65 to those under D50: (3, 3), each row sums to 1."""
    gains = (_BRADFORD @ D50) / (_BRADFORD @ D65)
    return np.linalg.inv(_BRADFORD) @ np.diag(gains) @ _BRADFORD * D65 / D50[:, None]
