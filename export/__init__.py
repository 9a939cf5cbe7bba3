"""The training side: photographs -> trained network -> ONNX file. Never runs on a user's machine."""

import sys
from collections.abc import Callable

import colorize_neural.worker  # noqa: F401 - before ONNX Runtime is imported here: it switches the telemetry off
from colorize_neural.errors import ColorizeError


def run(main: Callable[[], None]) -> None:
    """Runs a command of this side; an expected failure becomes its sentence and exit code 1."""
    try:
        main()
    except ColorizeError as error:
        sys.exit(str(error))
