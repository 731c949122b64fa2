#include "package/protobuf_reader.h"

#include "ufvideo/error.h"

namespace ufvideo {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kInvalidPackage, "expected an ONNX graph, got no protocol buffer");
}

}  // namespace

bool ProtobufReader::next(Field& field) {
  if (rest_.empty()) {
    return false;
  }
  const std::uint64_t tag = varint();
  field = {tag >> 3, static_cast<Wire>(tag & 7), 0, {}};
  switch (field.wire) {
    case Wire::kVarint:
      field.value = varint();
      return true;
    case Wire::kFixed64:
      take(8);
      return true;
    case Wire::kBytes:
      field.bytes = take(varint());
      return true;
    case Wire::kFixed32:
      take(4);
      return true;
  }
  refuse();
}

bool ProtobufReader::next_packed(std::uint64_t& value) {
  if (rest_.empty()) {
    return false;
  }
  value = varint();
  return true;
}

std::string_view ProtobufReader::take(std::uint64_t size) {
  if (size > rest_.size()) {
    refuse();
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(take(1)[0]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  refuse();
}

}  // namespace ufvideo
