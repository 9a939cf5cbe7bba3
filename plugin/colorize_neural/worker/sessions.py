"""The ONNX Runtime session of a model on one device.

L (h, w), 0..100;  temperatures  ->  ab (t, h', w', 2) in Lab units       (the contract, version 1, or an adapter)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime as ort

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.cores import Later
from colorize_neural.worker.models import Model, adapter_of, file_of
from colorize_neural.worker.providers import CPU, GPU, open_on_gpu, open_session

if TYPE_CHECKING:
    from colorize_neural.worker.adapters import Adapter
    from colorize_neural.worker.color import Float

_HEAD_START = 0.025  # seconds, in which a session's beginning, which needs Python now and then, is mostly over


class Session:
    """A model that is ready to run on one device."""

    def __init__(self, model: Model, device: str, threads: int = 0) -> None:
        """threads: of the CPU, 0 for one a core; NoGpuError where `device` is the GPU and there is none to run on."""
        self._adapter = adapter_of(model)
        # one pass at a time: DirectML crashes where threads meet in a session, and each takes memory of the card
        self._turn = threading.Lock() if device == GPU else contextlib.nullcontext()
        ahead = _ahead.pop((model, device, threads), None)
        _ahead.clear()
        self._session = ahead.result() if ahead else _opened(model, device, threads)

    def run(self, L: Float, temperatures: Sequence[float]) -> Float:
        """L (h, w) as the model's framing makes it -> ab (t, h', w', 2)."""
        with self._turn:
            return find_ab(self._session, self._adapter, L, temperatures)


_ahead: dict[tuple[Model, str, int], Later[ort.InferenceSession]] = {}


def open_ahead(model: Model) -> None:
    """Begins to make the session of the model that will probably be the first one, on all of the CPU's cores.

    It has a head start, for the caller's imports would make its beginning wait. Who wants another model has wasted it.
    """
    asked = model, CPU, 0
    _ahead[asked] = ahead = Later(partial(_opened, *asked))
    ahead.wait(_HEAD_START)


def _opened(model: Model, device: str, threads: int) -> ort.InferenceSession:
    """ColorizeError says in a sentence why it cannot be."""
    file = file_of(model)
    content = file.content()  # its hash comes later: a changed file is parsed, but never run
    try:
        return open_on_gpu(content, threads) if device == GPU else open_session(content, (), threads)
    except ColorizeError:
        raise
    except Exception as error:  # ONNX Runtime's own exceptions share no better base
        raise ColorizeError(f"ONNX Runtime cannot use the model {model.id}: {_first_line(error)}") from error
    finally:
        file.check()  # that a file is damaged is told before all else


def find_ab(session: ort.InferenceSession, adapter: Adapter | None, L: Float, temperatures: Sequence[float]) -> Float:
    """L (h, w) -> ab (t, h', w', 2); a foreign network knows no temperature and answers once for all."""
    if adapter:
        from colorize_neural.worker.adapters import ab_by_adapter  # noqa: PLC0415 - few models need it

        return np.repeat(ab_by_adapter(session, adapter, L)[None], len(temperatures), axis=0)
    feeds = {"L": L[None, None].astype(np.float32), "temperature": np.array(temperatures, np.float32)}
    (ab,) = session.run(["ab"], feeds)
    return np.moveaxis(ab, 1, -1)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
