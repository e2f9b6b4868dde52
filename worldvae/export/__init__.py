"""Files that act, encode or remember without this library: ONNX, run by onnxruntime anywhere."""
