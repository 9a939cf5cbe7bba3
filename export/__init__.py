"""The training side: photographs -> trained network -> ONNX file. Never runs on a user's machine."""

import colorize_neural.worker  # noqa: F401 - before ONNX Runtime is imported here: it switches the telemetry off
