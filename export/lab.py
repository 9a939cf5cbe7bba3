"""Lab in torch, for graphs and for losses that must be differentiable; `worker/color.py` is what it must agree with.

L (B, 1, h, w), 0..100;  ab (B, 2, h, w), Lab units under D50  <->  sRGB 0..1 (B, 3, h, w)
"""

from __future__ import annotations

import torch
from colorize_neural.worker.color import FROM_RGB, TO_RGB
from torch import Tensor

_BEND = 6 / 29  # CIE 15:2004, where the cube root gives way to a straight line
_DARK = 0.0031308  # IEC 61966-2-1, likewise


def rgb_from_lab(L: Tensor, ab: Tensor) -> Tensor:
    """Gamma-encoded; what is out of the gamut is clipped, channel by channel."""
    fy = (L + 16) / 116
    shares = uncurved(torch.cat([fy + ab[:, :1] / 500, fy, fy - ab[:, 1:] / 200], dim=1))
    return srgb_from_linear(torch.einsum("bchw,rc->brhw", shares, torch.from_numpy(TO_RGB).to(L)).clamp(0, 1))


def ab_from_rgb(rgb: Tensor) -> Tensor:
    """ab of gamma-encoded sRGB (B, 3, h, w); grey has none."""
    shares = torch.einsum("bchw,rc->brhw", linear_from_srgb(rgb), torch.from_numpy(FROM_RGB).to(rgb))
    fx, fy, fz = curved(shares).unbind(1)
    return torch.stack([500 * (fx - fy), 200 * (fy - fz)], dim=1)


def grey_from_lightness(L: Tensor) -> Tensor:
    """The grey of sRGB, 0..1, that has this lightness, any shape."""
    return srgb_from_linear(uncurved((L + 16) / 116))


def srgb_from_linear(linear: Tensor) -> Tensor:
    """Applies the sRGB transfer curve."""
    return torch.where(linear > _DARK, 1.055 * linear.clamp(min=_DARK) ** (1 / 2.4) - 0.055, 12.92 * linear)


def linear_from_srgb(rgb: Tensor) -> Tensor:
    """The inverse of `srgb_from_linear`."""
    return torch.where(rgb > 12.92 * _DARK, ((rgb.clamp(min=0) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def curved(shares: Tensor) -> Tensor:
    """CIE's f: X/Xn, Y/Yn or Z/Zn -> its place on the lightness curve."""
    line = shares / (3 * _BEND**2) + 4 / 29
    return torch.where(shares > _BEND**3, shares.clamp(min=_BEND**3) ** (1 / 3), line)


def uncurved(places: Tensor) -> Tensor:
    """The inverse of `curved`."""
    return torch.where(places > _BEND, places**3, 3 * _BEND**2 * (places - 4 / 29))
