"""The training side: photographs -> trained network -> ONNX file. Never runs on a user's machine."""
