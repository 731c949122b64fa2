#include "ort/copy_model.h"

namespace ufvideo {
namespace {

/// Protocol Buffers' wire format, as far as short messages need it: every length is below 128.
std::string bytes_field(int number, const std::string& content) {
  constexpr int kLengthDelimited = 2;
  return std::string{static_cast<char>(number << 3 | kLengthDelimited),
                     static_cast<char>(content.size())} +
         content;
}

std::string number_field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

/// ValueInfoProto of uint8 [N].
std::string bytes_value(const std::string& name) {
  constexpr int kUint8 = 2;
  const std::string shape = bytes_field(1, bytes_field(2, "N"));
  const std::string tensor = number_field(1, kUint8) + bytes_field(2, shape);
  return bytes_field(1, name) + bytes_field(2, bytes_field(1, tensor));
}

}  // namespace

std::string copy_model() {
  constexpr int kIrVersion = 8;
  constexpr int kOpset = 17;
  const std::string node =
      bytes_field(1, kCopyInput) + bytes_field(2, kCopyOutput) + bytes_field(4, "Identity");
  const std::string graph = bytes_field(1, node) + bytes_field(2, "copy") +
                            bytes_field(11, bytes_value(kCopyInput)) +
                            bytes_field(12, bytes_value(kCopyOutput));
  return number_field(1, kIrVersion) + bytes_field(7, graph) +
         bytes_field(8, number_field(2, kOpset));
}

}  // namespace ufvideo
