"""What a network is trained to make small, and how its answers are read.

its answer (B, C, h, w) and the true ab (B, 2, h, w) in Lab units  ->  a scalar
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from colorize_neural.worker.color import Float
from sklearn.cluster import KMeans
from torch import Tensor, nn

from export.bins import bin_centers, class_weights, encoding_tables, measure_prior
from export.decode import AbOfYuv, AnnealedMean, PaletteMean, Repeated
from export.lab import rgb_from_lab
from export.yuv import UV_LIMITS, uv_from_lab

SPARSE = 33  # one of so many pixels is enough to find a palette; no divisor of a row, so that all columns are seen


class Loss(nn.Module, ABC):
    """All losses are called as this one; what one learns before the training travels in its buffers.

    A loss is a mean over the crops: that of several processes is then the one of their whole batch.
    """

    kind: str  # of answer, in the manifest's words
    done = 1.0  # the share of the training that is over, for losses that change on the way

    def prepare(self, colours: Iterator[Float]) -> None:
        """Shows it Lab (n, 3) of photographs drawn as in training; most have no use for them."""

    @abstractmethod
    def decoder(self) -> nn.Module:
        """Reads answers: (answer (B, C, h, w), temperature (T,)) -> ab (T, 2, h, w), where B is 1 or T."""


class SoftCrossEntropy(Loss):
    """Cross-entropy of soft-encoded colour bins, each pixel weighed by the rarity of its bin.

    Zhang, Isola and Efros, ECCV 2016, equations 2 to 4; `uniform_share` is their lambda: 1 weighs all bins alike, 0
    fully by rarity. A pixel's rarity is that of its nearest bin.
    """

    kind = "classification"
    weights: Tensor
    nearest: Tensor
    shares: Tensor

    def __init__(self, uniform_share: float) -> None:
        super().__init__()
        self.uniform_share = uniform_share
        self.register_buffer("weights", torch.ones(len(bin_centers())))
        for name, table in zip(("nearest", "shares"), encoding_tables(), strict=True):
            self.register_buffer(name, torch.tensor(table), persistent=False)

    def prepare(self, colours: Iterator[Float]) -> None:
        prior = np.mean([measure_prior(lab[:, 1:]) for lab in colours], axis=0)  # all photographs have as many pixels
        self.weights.copy_(torch.from_numpy(class_weights(prior, self.uniform_share)))

    def decoder(self) -> nn.Module:
        return AnnealedMean()

    def forward(self, scores: Tensor, ab: Tensor) -> Tensor:
        limit = len(self.nearest) // 2
        a, b = (ab.round().clamp(-limit, limit).long() + limit).unbind(1)
        nearest, shares = (table[a, b].permute(0, 3, 1, 2) for table in (self.nearest, self.shares))
        scores = scores.float()
        likelihood = (scores.gather(1, nearest) * shares).sum(dim=1) - scores.logsumexp(dim=1)
        rarity = self.weights[nearest.gather(1, shares.argmax(dim=1, keepdim=True)).squeeze(1)]
        return -(likelihood * rarity).mean()


class Regression(Loss):
    """Errors of a and b, the whole range of an axis counted as 1."""

    kind = "regression"
    RANGE = 255.0  # Lab units, -127.5..127.5

    def errors(self, found: Tensor, ab: Tensor) -> Tensor:
        """What is too much, (B, 2, h, w)."""
        return (found.float() - ab) / self.RANGE

    def decoder(self) -> nn.Module:
        return Repeated()


class SquaredError(Regression):
    """The mean squared error of a and b: half the mean squared distance in the ab plane."""

    def forward(self, found: Tensor, ab: Tensor) -> Tensor:
        return self.errors(found, ab).square().mean()


class AbsoluteError(Regression):
    """The mean absolute error of a and b."""

    def forward(self, found: Tensor, ab: Tensor) -> Tensor:
        return self.errors(found, ab).abs().mean()


class YuvInTwoPhases(Loss):
    """Liang et al. 2016: the L2 norm of the errors of U and of V at first, their cross-entropy then.

    It reads L, U and V. The range of U and of V counts as 0 to 1, and the cross-entropy is that of two outcomes,
    -u log(found) - (1 - u) log(1 - found), smallest where found is u; the first term alone would want 1 everywhere.
    `first` is the share of the training that the norm has; the outer `border` pixels of an answer are not scored.
    """

    kind = "regression"

    def __init__(self, first: float, border: int) -> None:
        super().__init__()
        self.first = first
        self.border = border

    def decoder(self) -> nn.Module:
        return AbOfYuv()

    def forward(self, luv: Tensor, ab: Tensor) -> Tensor:
        L, found = luv[:, :1].float(), self._shares(luv[:, 1:].float())
        true = self._shares(uv_from_lab(L, ab))
        if self.done < self.first:
            pixels = found[0, 0].numel()  # the norm is divided by their root, so that small patches weigh as much
            return torch.linalg.vector_norm(found - true, dim=(2, 3)).mean() / pixels**0.5
        return F.binary_cross_entropy(found, true)

    def _shares(self, uv: Tensor) -> Tensor:
        """Each from 0 to 1, without the border."""
        limits = uv.new_tensor(UV_LIMITS)[:, None, None]
        h, w = uv.shape[2:]
        inner = uv[:, :, self.border : h - self.border, self.border : w - self.border]
        return (inner / limits + 1) / 2


class OnPalette(Loss):
    """What the losses of Li, Zhang, Xie and Yan's network share: a palette of the training's own, found by K-means.

    They read L and the scores of the palette's colours.
    """

    kind = "classification"
    palette: Tensor  # sRGB 0..1 (Q, 3)

    def __init__(self, colours: int) -> None:
        super().__init__()
        self.register_buffer("palette", torch.zeros(colours, 3))

    def prepare(self, colours: Iterator[Float]) -> None:
        lab = torch.from_numpy(np.concatenate([lab[::SPARSE] for lab in colours])).T[None, :, :, None]
        rgb = rgb_from_lab(lab[:, :1], lab[:, 1:])[0, :, :, 0].T.numpy()
        # it draws from NumPy's own generator, which a training has set to the recipe's seed
        self.palette.copy_(torch.from_numpy(KMeans(len(self.palette)).fit(rgb).cluster_centers_))

    def decoder(self) -> nn.Module:
        return PaletteMean(self.palette)


class PaletteCrossEntropy(OnPalette):
    """Of the palette's colour that is nearest in RGB, one-hot."""

    def forward(self, answer: Tensor, ab: Tensor) -> Tensor:
        rgb = rgb_from_lab(answer[:, :1].float(), ab)
        return F.cross_entropy(answer[:, 1:].float(), nearest_of(self.palette, rgb))


class PaletteSquaredError(OnPalette):
    """Of R, G and B between the photograph and the mean of the palette, each colour as likely as its score says."""

    def forward(self, answer: Tensor, ab: Tensor) -> Tensor:
        chances = torch.softmax(answer[:, 1:].float(), dim=1)
        found = torch.einsum("bqhw,qc->bchw", chances, self.palette)
        return F.mse_loss(found, rgb_from_lab(answer[:, :1].float(), ab))


def nearest_of(palette: Tensor, rgb: Tensor) -> Tensor:
    """Which of the palette's colours (Q, 3) is nearest to each pixel: (B, 3, h, w) -> (B, h, w)."""
    return torch.cdist(rgb.movedim(1, -1).contiguous(), palette).argmin(dim=-1)


LOSSES: dict[str, type[Loss]] = {
    "soft-cross-entropy": SoftCrossEntropy,
    "squared-error": SquaredError,
    "absolute-error": AbsoluteError,
    "yuv-in-two-phases": YuvInTwoPhases,
    "palette-cross-entropy": PaletteCrossEntropy,
    "palette-squared-error": PaletteSquaredError,
}
