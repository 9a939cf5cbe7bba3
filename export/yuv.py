"""YUV of sRGB (ITU-R BT.601, gamma-encoded) of a photograph whose Lab lightness stays its own.

L (B, 1, h, w), 0..100;  ab (B, 2, h, w), Lab units under D50  <->  UV (B, 2, h, w): U -0.436..0.436, V -0.615..0.615

Y is that of the grey with this L: of a black-and-white photograph no more is known. A colour's own Y is a little
different, so that its UV beside the grey's Y are not quite its ab again; on photographs they are 0.1 off in the mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from export.lab import ab_from_rgb, grey_from_lightness, rgb_from_lab

UV_LIMITS = (0.436, 0.615)
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114  # shares of Y
_U, _V = UV_LIMITS[0] / (1 - _BLUE), UV_LIMITS[1] / (1 - _RED)


def uv_from_lab(L: Tensor, ab: Tensor) -> Tensor:
    """Of the colours themselves; out of sRGB's gamut they are clipped."""
    red, green, blue = rgb_from_lab(L, ab).unbind(1)
    Y = _RED * red + _GREEN * green + _BLUE * blue
    return torch.stack([_U * (blue - Y), _V * (red - Y)], dim=1)


def ab_from_uv(L: Tensor, uv: Tensor) -> Tensor:
    """ab of Y, U and V together, clipped to sRGB."""
    Y = grey_from_lightness(L)[:, 0]
    blue, red = Y + uv[:, 0] / _U, Y + uv[:, 1] / _V
    green = (Y - _RED * red - _BLUE * blue) / _GREEN
    return ab_from_rgb(torch.stack([red, green, blue], dim=1).clamp(0, 1))
