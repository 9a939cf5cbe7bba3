"""The networks that recipes can name: each maps L (B, 1, H, W), 0..100, to what its decoder reads."""

from __future__ import annotations

from torch import nn

from export.networks.efficientnet_unet import EfficientNetUNet

NETWORKS: dict[str, type[nn.Module]] = {
    "efficientnet-unet": EfficientNetUNet,
}
