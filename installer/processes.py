"""Programs that the installer starts: what they print goes to the log, why they fail becomes a sentence."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from colorize_neural import settings
from colorize_neural.errors import ColorizeError

_MISLEADING = ("PYTHON", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE", "PIP_CONSTRAINT", "COLORIZE_NEURAL_")
_OWN = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PKG_CONFIG": "no-pkg-config"}

_FULL = "there is no space left: please free about 600 MB in {data} and in the temporary folder"
_UNREACHED = "the server of the Python packages cannot be reached: please check the connection and pip's proxy settings"
_REMEDIES = (  # what pip says, what it means; the first one counts
    ("No space left on device", _FULL),
    ("Disk quota exceeded", _FULL),
    ("DO NOT MATCH THE HASHES", "what came is not what we expect: please try again, perhaps from another network"),
    ("Retrying (", _UNREACHED),
    ("Could not fetch URL", _UNREACHED),
    (
        "No matching distribution found",
        "pip finds no package for {python}: please look at `pip config list`, or use another Python, 3.10 to 3.14",
    ),
)


def run(command: Sequence[str | Path], failure: str, *, ours: bool = False, folder: Path | None = None) -> str:
    """The last line that the command prints, all is kept in the log; ColorizeError(failure, the reason, a remedy).

    A program of ours fails with a sentence that names the remedy: then the error is that sentence alone.
    """
    kept = {name: entry for name, entry in os.environ.items() if not name.startswith(_MISLEADING)}
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=kept | _OWN,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise ColorizeError(
            f"{failure}, for {command[0]} cannot be started ({error.strerror}): please run install.py again."
        ) from error
    output = _followed(process)
    with contextlib.suppress(OSError), settings.open_log() as log:
        log.write(output.encode())
    if process.returncode:
        if ours and _ends_with_a_sentence(output):
            raise ColorizeError(_last_line(output))
        raise ColorizeError(f"{failure}, for {_reason(output)}, and run install.py again.")
    return _last_line(output)


def _followed(process: subprocess.Popen[bytes]) -> str:
    """All that a process prints, to its end; what pip downloads is shown."""
    lines = []
    try:
        for line in io.TextIOWrapper(cast(BinaryIO, process.stdout), "utf-8", "replace"):
            lines.append(line)
            if line.lstrip().startswith("Downloading "):
                print(f"  {line.strip()}", flush=True)
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
    return "".join(lines)


def _reason(output: str) -> str:
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for said, meaning in _REMEDIES:
        if said in output:
            return meaning.format(data=settings.data_folder(), python=system)
    said = _last_line(output) or "it ended without a word"
    return f"{said.rstrip('.')}: please look into {settings.log_file()}"


def _ends_with_a_sentence(output: str) -> bool:
    return _last_line(output).endswith(".") and "Traceback (" not in output


def _last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2]
