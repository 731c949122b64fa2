#include "package/external_data.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "core/error_message.h"

namespace ufvideo {
namespace {

/// The messages of onnx.proto3 on the way to a tensor's external data.
enum class Message { kModel, kGraph, kNode, kAttribute, kTensor, kSparse, kFunction, kTraining };

struct Descent {
  Message from;
  std::uint64_t field;
  Message to;
};

// Field numbers of onnx.proto3.
constexpr Descent kDescents[] = {
    {Message::kModel, 7, Message::kGraph},         {Message::kModel, 20, Message::kTraining},
    {Message::kModel, 25, Message::kFunction},     {Message::kGraph, 1, Message::kNode},
    {Message::kGraph, 5, Message::kTensor},        {Message::kGraph, 15, Message::kSparse},
    {Message::kNode, 5, Message::kAttribute},      {Message::kAttribute, 5, Message::kTensor},
    {Message::kAttribute, 6, Message::kGraph},     {Message::kAttribute, 10, Message::kTensor},
    {Message::kAttribute, 11, Message::kGraph},    {Message::kAttribute, 22, Message::kSparse},
    {Message::kAttribute, 23, Message::kSparse},   {Message::kSparse, 1, Message::kTensor},
    {Message::kSparse, 2, Message::kTensor},       {Message::kFunction, 7, Message::kNode},
    {Message::kFunction, 11, Message::kAttribute}, {Message::kTraining, 1, Message::kGraph},
    {Message::kTraining, 2, Message::kGraph},
};
constexpr std::uint64_t kExternalData = 13;
constexpr int kMaxDepth = 64;

/// Walks the fields of one message in the protocol buffer wire format.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  /// The next field; false at the end. `content` is set for length-delimited fields only.
  bool next(std::uint64_t& field, std::string_view& content) {
    if (rest_.empty()) {
      return false;
    }
    const std::uint64_t tag = varint();
    field = tag >> 3;
    content = {};
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        content = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        refuse();
    }
    return true;
  }

 private:
  [[noreturn]] static void refuse() {
    throw Error(ErrorCode::kInvalidPackage, "expected an ONNX graph, got no protocol buffer");
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      refuse();
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint64_t varint() {
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

  std::string_view rest_;
};

void add_location(std::string_view entry, std::set<std::string>& locations) {
  FieldReader reader(entry);
  std::uint64_t field = 0;
  std::string_view content;
  std::string_view key;
  std::string_view value;
  while (reader.next(field, content)) {
    (field == 1 ? key : value) = content;
  }
  if (key == "location") {
    locations.emplace(value);
  }
}

void collect(std::string_view bytes, Message message, int depth, std::set<std::string>& locations) {
  if (depth > kMaxDepth) {
    fail(ErrorCode::kInvalidPackage, "expected a graph of at most ", kMaxDepth,
         " levels, got more");
  }
  FieldReader reader(bytes);
  std::uint64_t field = 0;
  std::string_view content;
  while (reader.next(field, content)) {
    if (message == Message::kTensor && field == kExternalData) {
      add_location(content, locations);
    }
    for (const Descent& descent : kDescents) {
      if (descent.from == message && descent.field == field) {
        collect(content, descent.to, depth + 1, locations);
      }
    }
  }
}

}  // namespace

std::set<std::string> external_locations(const std::filesystem::path& graph) {
  std::ifstream stream(graph, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::set<std::string> locations;
  try {
    collect(bytes, Message::kModel, 0, locations);
  } catch (const Error& error) {
    fail(error.code(), graph.string(), ": ", error.what());
  }
  return locations;
}

}  // namespace ufvideo
