"""The networks that recipes can name: each maps L (B, 1, H, W), 0..100, to what its decoder reads."""

from __future__ import annotations

from torch import nn

from export.networks.aranburu2017 import Aranburu2017
from export.networks.efficientnet_unet import EfficientNetUNet
from export.networks.liang2016 import Liang2016
from export.networks.palette import Palette
from export.networks.paquette2022 import Basic, Classic, ConvSampling, LargeKernel, Split, Zhang
from export.networks.wang2018 import Wang2018, Wang2018Transfer
from export.networks.zhang2016 import Zhang2016

NETWORKS: dict[str, type[nn.Module]] = {
    "efficientnet-unet": EfficientNetUNet,
    "zhang2016": Zhang2016,
    "wang2018": Wang2018,
    "wang2018-transfer": Wang2018Transfer,
    "aranburu2017": Aranburu2017,
    "liang2016": Liang2016,
    "palette": Palette,
    "paquette2022-classic": Classic,
    "paquette2022-basic": Basic,
    "paquette2022-conv-sampling": ConvSampling,
    "paquette2022-large-kernel": LargeKernel,
    "paquette2022-zhang": Zhang,
    "paquette2022-split": Split,
}
