"""Foreign colorizers: what each kind is shown, and how its answer becomes ours.

    L (h, w), 0..100  ->  a network's input (1, channels, h, w);  its answer (1, channels, h', w')  ->  ab (h', w', 2)

The adapters are data. What they speak of a and b is under D65, as OpenCV and scikit-image have it; ours is under D50.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from colorize_neural.worker.color import Float, ab_under_d50, lab_from_rgb, rgb_from_lab

_NUMBERS: dict[str, type[np.floating[Any]]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Adapter:
    """A kind of foreign network; three numbers stand for the channels of RGB, one for all channels."""

    title: str
    inputs: tuple[int, ...]  # channels of each; those after the first are a user's hints, all 0
    channels: int  # of the answer
    sees: str  # "lightness", 0..100, or "grey", sRGB 0..1
    answers: str  # "ab", Lab units under D65, or "rgb", sRGB 0..1
    side: int = 256  # pixels, where the file takes any size
    shrinks: int = 1  # how many pixels of the input one pixel of the answer stands for
    seen_mean: tuple[float, ...] = (0.0,)  # subtracted from what it sees,
    seen_deviation: tuple[float, ...] = (1.0,)  # which is then divided by this
    answer_mean: tuple[float, ...] = (0.0,)  # added to its answer,
    answer_deviation: tuple[float, ...] = (1.0,)  # after that was multiplied by this


#  where several would fit a file, the first one is taken
ADAPTERS = {
    "ddcolor": Adapter("DDColor (Kang 2023)", (3,), 2, "grey", "ab", side=512),
    "deoldify": Adapter(
        "DeOldify (Antic 2018), 0 to 255",
        *((3,), 3, "grey", "rgb"),
        seen_deviation=(1 / 255,),
        answer_deviation=(1 / 255,),
    ),
    "deoldify-normalized": Adapter(
        "DeOldify (Antic 2018), normalized as ImageNet",
        *((3,), 3, "grey", "rgb"),
        seen_mean=_IMAGENET_MEAN,
        seen_deviation=_IMAGENET_DEVIATION,
        answer_mean=_IMAGENET_MEAN,
        answer_deviation=_IMAGENET_DEVIATION,
    ),
    "eccv16": Adapter("Zhang, ECCV 2016", (1,), 2, "lightness", "ab"),
    "eccv16-caffe": Adapter(
        "Zhang, ECCV 2016, from Caffe", (1,), 2, "lightness", "ab", side=224, shrinks=4, seen_mean=(50.0,)
    ),
    "siggraph17": Adapter("Zhang, SIGGRAPH 2017", (1, 2, 1), 2, "lightness", "ab"),
}


def fitting_adapters(session: Any) -> list[str]:
    """The adapters for an ONNX Runtime session with such inputs and such an output."""
    return [name for name, adapter in ADAPTERS.items() if fits(adapter, session)]


def fits(adapter: Adapter, session: Any) -> bool:
    """Whether numbers, channels and sides are the adapter's; what a file leaves open fits all."""
    inputs = session.get_inputs()
    if any(one.type not in _NUMBERS or len(one.shape) != 4 for one in inputs) or len(inputs) != len(adapter.inputs):
        return False
    if any(one.shape[1] != wanted for one, wanted in zip(inputs, adapter.inputs, strict=True)):
        return False
    return side_of(adapter, session) is not None and _answer_of(adapter, session) is not None


def side_of(adapter: Adapter, session: Any) -> int | None:
    """The side of the square that the file takes, the adapter's own where it takes any; None where it takes none."""
    height, width = session.get_inputs()[0].shape[2:]
    sides = {side for side in (height, width) if isinstance(side, int)} or {adapter.side}
    return sides.pop() if len(sides) == 1 else None


def ab_by_adapter(session: Any, adapter: Adapter, L: Float) -> Float:
    """L (h, w) -> ab (h', w', 2) under D50, as the network finds it."""
    (answer,) = session.run([_answer_of(adapter, session)], _feeds(session, adapter, L))
    values = np.moveaxis(answer[0].astype(np.float32), 0, -1)
    values = values * _row(adapter.answer_deviation) + _row(adapter.answer_mean)
    if adapter.answers == "rgb":
        return lab_from_rgb(np.clip(values, 0, 1))[..., 1:]
    return ab_under_d50(cv2.resize(L, values.shape[1::-1], interpolation=cv2.INTER_AREA), values)


def _feeds(session: Any, adapter: Adapter, L: Float) -> dict[str, NDArray[Any]]:
    seen = L if adapter.sees == "lightness" else _grey_from_lightness(L)
    channels = (seen[..., None] - _row(adapter.seen_mean)) / _row(adapter.seen_deviation)
    image = np.broadcast_to(np.moveaxis(channels, -1, 0), (adapter.inputs[0], *L.shape))
    hints = [np.zeros((count, *L.shape)) for count in adapter.inputs[1:]]
    return {
        one.name: np.ascontiguousarray(fed[None], _NUMBERS[one.type])
        for one, fed in zip(session.get_inputs(), [image, *hints], strict=True)
    }


def _answer_of(adapter: Adapter, session: Any) -> str | None:
    """The name of the first output that can be the answer."""
    side = side_of(adapter, session)
    wanted = (1, adapter.channels, *[side and side // adapter.shrinks] * 2)
    return next((one.name for one in session.get_outputs() if _agrees(one.shape, wanted)), None)


def _agrees(shape: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return len(shape) == len(wanted) and all(
        said == meant or not isinstance(said, int) for said, meant in zip(shape, wanted, strict=True)
    )


def _row(numbers: tuple[float, ...]) -> Float:
    return np.array(numbers, np.float32)


def _grey_from_lightness(L: Float) -> Float:
    return rgb_from_lab(np.stack([L, np.zeros_like(L), np.zeros_like(L)], axis=-1))[..., 0]
