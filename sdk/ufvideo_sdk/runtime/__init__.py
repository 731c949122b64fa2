"""How to run here: settings, ONNX Runtime's library, NVIDIA's."""
