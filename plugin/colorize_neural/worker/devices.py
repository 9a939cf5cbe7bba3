"""The device that a model runs on: the one that is asked for, or with "auto" the faster one, tried once and remembered.

    L (h, w), temperatures  ->  ab (t, h', w', 2), what found it, and why that was not the GPU

    devices.json, in the data folder   {"SHA256 224x320 x1 CUDAExecutionProvider 1.31.1": {"cpu": 0.2, "gpu": 1.9}, ...}

Where the GPU fails, the CPU takes that photograph and all that follow.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import onnxruntime as ort

from colorize_neural import settings
from colorize_neural.worker.color import Float
from colorize_neural.worker.cores import cores, on_threads
from colorize_neural.worker.models import Model
from colorize_neural.worker.providers import CPU, GPU, NO_SUPPORT, NoGpuError, gpu_providers
from colorize_neural.worker.sessions import Session

AUTO = "auto"
DEVICES = (AUTO, CPU, GPU)
_TURNS = 3
_OUT_OF_MEMORY = re.compile(r"alloc|out of memory|not enough memory", re.IGNORECASE)
_LONGEST_REASON = 200  # characters

Trial = dict[str, float]  # seconds by device


@dataclass(frozen=True)
class Answer:
    """What a network found, ab (t, h', w', 2), on which device, and why not on the GPU ("" where nobody asks)."""

    ab: Float
    device: str
    note: str


class Devices:
    """One model on the device that is asked for, or on two; several threads may share it."""

    def __init__(self, asked: str, open_on: Callable[[str], Session], trials: Trials | None) -> None:
        """trials: of this model, None where no provider could run a GPU; NoGpuError where only a GPU will do."""
        self.asked, self._open_on, self._trials = asked, open_on, trials
        self._sessions: dict[str, Session] = {}
        self._opened_in: Trial = {}
        self._choosing = threading.RLock()  # one thread tries, the others wait for what it finds
        self._why_cpu = "" if trials else NO_SUPPORT
        self._session(CPU if asked == AUTO else asked)

    def run(self, L: Float, temperatures: Sequence[float]) -> Answer:
        """L (h, w) as the model's framing makes it; NoGpuError where only a GPU will do, and it fails."""
        device, session = self._chosen(L)
        try:
            return Answer(session.run(L, temperatures), device, self._note(device))
        except Exception as error:
            if device == CPU:
                raise
            self._give_up(error)
        return self.run(L, temperatures)

    def _chosen(self, L: Float) -> tuple[str, Session]:
        with self._choosing:
            device = self._faster(L) if self.asked == AUTO else self.asked
            return device, self._session(device)

    def _faster(self, L: Float) -> str:
        if not self._trials or self._why_cpu:
            return CPU
        try:
            trial = self._trials.find(L.shape)
            if not trial:
                trial = self._tried(L, self._trials.at_once)
                self._trials.keep(L.shape, trial)
            device = min(trial, key=trial.__getitem__)
            self._session(device)  # a GPU that was there then may be gone
        except Exception as error:
            self._give_up(error)
            return CPU
        return device

    def _tried(self, L: Float, at_once: int) -> Trial:
        """A single photograph also waits until the GPU is ready, often longer than for the CPU's pass."""
        trial = tried({device: self._session(device) for device in (GPU, CPU)}, L, at_once)
        if at_once == 1:
            trial[GPU] += self._opened_in[GPU]
        return trial

    def _session(self, device: str) -> Session:
        if device not in self._sessions:
            start = time.perf_counter()
            self._sessions[device] = self._open_on(device)
            self._opened_in[device] = time.perf_counter() - start
        return self._sessions[device]

    def _give_up(self, error: Exception) -> None:
        """No GPU from now on, and its memory is free for others; NoGpuError where only a GPU will do."""
        if isinstance(error, NoGpuError):
            reason = error.reason
        else:
            settings.logged(error)
            reason = f"the GPU failed ({_short(error)})"
        if self.asked == GPU:
            raise NoGpuError(reason) from error
        with self._choosing:
            self._why_cpu = reason
            self._sessions.pop(GPU, None)

    def _note(self, device: str) -> str:
        if self.asked != AUTO or device == GPU:
            return ""
        return f"Ran on the CPU, because {self._why_cpu or 'it is faster here than the GPU'}."


class Trials:
    """What was found before; where the file is damaged or cannot be written, the next process tries again."""

    def __init__(self, model: str, at_once: int, providers: Sequence[str]) -> None:
        """model: its SHA-256; at_once: passes that share the session."""
        self.at_once = at_once
        self._key = f"{model} {{}}x{{}} x{at_once} {' '.join(providers)} {ort.__version__}"
        self._file = settings.data_folder() / "devices.json"
        self._known = self._read()

    def find(self, size: Sequence[int]) -> Trial | None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            trial = self._known[self._key.format(*size)]
            return {device: float(trial[device]) for device in (CPU, GPU)}
        return None

    def keep(self, size: Sequence[int], trial: Trial) -> None:
        self._known[self._key.format(*size)] = trial
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            settings.write_json(self._file, self._read() | {self._key.format(*size): trial})

    def _read(self) -> dict[str, Trial]:
        try:
            return dict(json.loads(self._file.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            return {}


def devices_of(model: Model, asked: str, threads: int) -> Devices:
    """threads: of the CPU for one photograph; 0 for all of them, else others are at work on the rest."""
    providers = gpu_providers()
    at_once = max(1, cores() // threads) if threads else 1
    trials = Trials(model.sha256, at_once, providers) if providers else None
    return Devices(asked, partial(Session, model, threads=threads), trials)


def tried(sessions: Mapping[str, Session], L: Float, at_once: int) -> Trial:
    """Seconds that each takes for so many passes at once: after one to warm up, the fastest of several turns."""

    def seconds(session: Session) -> float:
        start = time.perf_counter()
        list(on_threads(at_once, lambda _: session.run(L, [1.0]), range(at_once)))
        return time.perf_counter() - start

    return {device: min([seconds(session) for _ in range(1 + _TURNS)][1:]) for device, session in sessions.items()}


def _short(error: Exception) -> str:
    if _OUT_OF_MEMORY.search(str(error)):
        return "too little memory"
    return str(error).partition("\n")[0][:_LONGEST_REASON]
