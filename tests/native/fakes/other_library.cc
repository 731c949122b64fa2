// A loadable library that is not ONNX Runtime.
extern "C" __attribute__((visibility("default"))) int answer() { return 42; }
