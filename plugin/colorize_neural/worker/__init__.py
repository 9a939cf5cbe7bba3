"""The worker's side: everything that needs numpy, OpenCV, libvips and ONNX Runtime."""

import os

# ONNX Runtime 1.31 writes an identity below the user's home folder as soon as it is imported, unless told this before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
