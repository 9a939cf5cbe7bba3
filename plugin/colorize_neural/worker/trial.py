"""A strange ONNX file is looked at and tried in a process of its own, with limits of memory and time.

    try_model(file, adapter)  ->  the entry of a manifest, but for id, file and hash; ColorizeError says why not

The process has an empty folder and may write no file; what the file names is not opened.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.adapters import ADAPTERS, fits, fitting_adapters, side_of
from colorize_neural.worker.color import Float
from colorize_neural.worker.framing import framing_from
from colorize_neural.worker.models import ADDED, CONTRACT
from colorize_neural.worker.providers import open_session
from colorize_neural.worker.sessions import find_ab

LARGEST = 1 << 30  # bytes of a file
_MEMORY = 8 << 30  # bytes of address space, of which a file of that size takes half
_SECONDS = 300
_THREADS = 4  # each takes some of the address space
_LONGEST_TEXT = 300  # characters that a file may tell of itself
_STRONGEST = 150  # Lab units; sRGB ends before
_TEMPERATURES = (0.05, 0.5, 1.0)

# Some versions of ONNX Runtime read every file, or memory, that a model names, so it is not asked. In onnx.proto,
# "location" is the key of an entry of external_data: its field 1, of 8 bytes; protobuf can write both numbers longer.
_LOCATION = re.compile(rb"location")
_KEY_OF_8_BYTES = re.compile(rb"(\x0a|\x8a\x80*[\x00-\x7f])(\x08|\x88\x80*[\x00-\x7f])\Z")
#  what ONNX Runtime says, what it means; the first one counts
_REASONS = (
    ("not a registered function/op", "it needs operators of its own, which are programs: export it with standard ones"),
    ("INVALID_PROTOBUF", "it is damaged or no ONNX file: download it again, or convert it to ONNX"),
    ("alloc", f"it needs more than {_MEMORY >> 30} GB of memory: export it for a smaller size"),
)


def try_model(file: Path, adapter: str | None, seconds: float = _SECONDS, memory: int = _MEMORY) -> dict[str, Any]:
    """adapter: a key of ADAPTERS, or None to recognise what it is."""
    isolated = ["-I"] if sys.flags.isolated else []
    command = [sys.executable, *isolated, "-m", __name__, str(file.absolute()), adapter or "", str(memory)]
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                command, cwd=empty, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ColorizeError(f"This file was not ready after {seconds:g} seconds: use a smaller model.") from error
    try:
        answer = dict(json.loads(done.stdout))
    except ValueError as error:
        raise ColorizeError(
            f"This file ended the process that tried it (status {done.returncode}): it is damaged, or needs more than "
            f"{memory >> 30} GB of memory; use another."
        ) from error
    if "refused" in answer:
        raise ColorizeError(str(answer["refused"]))
    return answer


def main(file: Path, adapter: str | None, memory: int) -> None:
    """Prints the entry, or {"refused": sentence}."""
    _limit(memory)
    try:
        answer = _entry(file, adapter)
    except ColorizeError as error:
        answer = {"refused": str(error)}
    print(json.dumps(answer))


def _limit(memory: int) -> None:
    """Where the system knows limits: of memory, and no bytes into files."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return
    for what, limit in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS does not limit everything
            resource.setrlimit(what, (limit, limit))


def _entry(file: Path, adapter: str | None) -> dict[str, Any]:
    try:
        content = file.read_bytes()
        if _keeps_weights_elsewhere(content):
            raise ColorizeError("This file keeps its weights in a second file: save them as one.")
        session = open_session(content, threads=_THREADS)
    except ColorizeError:
        raise
    except (Exception, MemoryError) as error:  # ONNX Runtime's own exceptions share no better base
        raise ColorizeError(f"ONNX Runtime cannot load this file, for {_reason(error)}.") from error
    entry = _own_entry(session) if adapter is None and _is_ours(session) else _foreign_entry(session, adapter)
    framing = framing_from(entry["size"])
    try:
        usual = framing.framed(_photograph(framing.working_size(2, 3)))
        for L in (*map(_photograph, framing.trial_sizes()), usual):
            _check(find_ab(session, ADAPTERS.get(entry["adapter"]), L, _TEMPERATURES))
    except ColorizeError:
        raise
    except Exception as error:
        raise ColorizeError(f"This model cannot colour a photograph, for {_reason(error)}.") from error
    return entry


def _keeps_weights_elsewhere(content: bytes) -> bool:
    places = (found.start() for found in _LOCATION.finditer(content))
    return any(_KEY_OF_8_BYTES.search(content, max(0, place - 20), place) for place in places)


def _is_ours(session: Any) -> bool:
    return {one.name for one in session.get_inputs()} == {"L", "temperature"}


def _own_entry(session: Any) -> dict[str, Any]:
    """Of a file of the contract, which carries its facts."""
    try:
        facts = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
        texts = {key: _tame(facts[key]) for key in ("id", "title", "description", "trained_on", "licence")}
        temperature = None if facts["temperature"] is None else {"default": float(facts["temperature"])}
        if temperature and not _TEMPERATURES[0] <= temperature["default"] <= _TEMPERATURES[-1]:
            raise ValueError("temperature")
        framing_from(facts["size"])
        contract = facts["contract"]
    except (ValueError, KeyError, TypeError) as error:
        raise ColorizeError(
            f"What this file tells of itself cannot be used ({error}): make it with python -m export.to_onnx."
        ) from error
    if contract != CONTRACT:
        raise ColorizeError(f"This file meets the contract {contract}, not {CONTRACT}: make it anew, or update.")
    known = {"group": ADDED, "kind": "own", "size": facts["size"], "temperature": temperature, "adapter": None}
    return texts | known


def _foreign_entry(session: Any, adapter: str | None) -> dict[str, Any]:
    name = adapter or next(iter(fitting_adapters(session)), None)
    if name is None or not fits(ADAPTERS[name], session):
        raise ColorizeError(
            f"This file has {_shapes(session.get_inputs())} -> {_shapes(session.get_outputs())}, which "
            f"{f'is not what {name} takes' if name else 'no adapter knows'}: use a model of {', '.join(ADAPTERS)}."
        )
    told = {key.lower(): _tame(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    return {
        "id": "",
        "title": told.get("title", ""),
        "description": told.get("description", ADAPTERS[name].title),
        "trained_on": told.get("trained_on", ""),
        "licence": told.get("licence") or told.get("license", ""),
        **{"group": ADDED, "kind": name, "adapter": name, "temperature": None},
        "size": {"side": side_of(ADAPTERS[name], session), "padding": None},
    }


def _photograph(size: tuple[int, int]) -> Float:
    """L (h, w) with what photographs have: a sky, a dark ground, a round thing before them, grain."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    L = np.where(y < 0.2, 85 + 10 * y, 30 - 10 * y) + np.where(x**2 + y**2 < 0.3, 25 * (x + y), 0)
    return np.clip(L + np.random.default_rng(0).normal(0, 2, size), 0, 100).astype(np.float32)


def _check(ab: Float) -> None:
    """ColorizeError where these are no colours."""
    if ab.ndim != 4 or ab.shape[0] != len(_TEMPERATURES) or ab.shape[3] != 2:
        raise ColorizeError(f"This model answers {ab.shape}, which is no ab for each temperature: use another.")
    if not np.isfinite(ab).all():
        raise ColorizeError("This model answers what is no number (NaN): its file is damaged, or use --adapter.")
    strongest = float(np.abs(ab).max())
    if strongest > _STRONGEST:
        raise ColorizeError(f"This model answers up to {strongest:.0f} Lab units, which is no colour: use --adapter.")


def _shapes(tensors: Any) -> str:
    return ", ".join(f"{_tame(one.name)} {_tame(one.shape)}" for one in tensors)


def _reason(error: BaseException) -> str:
    said = f"{type(error).__name__} {error}"
    return next((meaning for words, meaning in _REASONS if words in said), _tame(error).rstrip("."))


def _tame(told: object) -> str:
    """What a stranger's file says, short and without what could steer a terminal."""
    return "".join(one if one.isprintable() else " " for one in str(told))[:_LONGEST_TEXT].strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] or None, int(sys.argv[3]))
