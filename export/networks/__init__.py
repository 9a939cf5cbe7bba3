"""The networks that recipes can name: each maps L (B, 1, H, W), 0..100, to what its decoder reads."""

from __future__ import annotations

from torch import nn

from export.networks.efficientnet_unet import EfficientNetUNet
from export.networks.wang2018 import Wang2018, Wang2018Transfer
from export.networks.zhang2016 import Zhang2016

NETWORKS: dict[str, type[nn.Module]] = {
    "efficientnet-unet": EfficientNetUNet,
    "zhang2016": Zhang2016,
    "wang2018": Wang2018,
    "wang2018-transfer": Wang2018Transfer,
}
