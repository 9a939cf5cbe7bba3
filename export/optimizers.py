"""The optimisers that recipes can name; each takes parameter groups and a weight decay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch.optim import SGD, Adadelta, Adam, AdamW, Optimizer, RMSprop

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adamw": partial(AdamW, fused=True),
    "adam": partial(Adam, fused=True),
    "rmsprop": partial(RMSprop, alpha=0.9, eps=1e-7),  # as Keras has it
    "sgd": partial(SGD, momentum=0.9),
    "adadelta": partial(Adadelta, rho=0.95, eps=1e-7),  # as Keras has it
}
