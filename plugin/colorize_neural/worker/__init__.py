"""The worker's side: everything that needs numpy, OpenCV, libvips and ONNX Runtime."""
