#include <onnxruntime_c_api.h>

// A library that looks like ONNX Runtime 1.20: it lacks the API version that is asked for.
namespace {

const OrtApi* ORT_API_CALL get_api(uint32_t) noexcept { return nullptr; }
const char* ORT_API_CALL get_version() noexcept { return "1.20.1"; }
constexpr OrtApiBase kBase{get_api, get_version};

}  // namespace

extern "C" __attribute__((visibility("default"))) const OrtApiBase* OrtGetApiBase() noexcept {
  return &kBase;
}
