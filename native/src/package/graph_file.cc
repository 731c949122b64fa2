#include "package/graph_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "base/error_message.h"
#include "package/open_file.h"
#include "package/protobuf_reader.h"

namespace ufvideo {
namespace {

using Field = ProtobufReader::Field;
using Wire = ProtobufReader::Wire;

/// A field of a message, by its number in onnx.proto3.
struct KnownField {
  std::uint64_t number;
  Wire wire;
  bool repeated = false;
};
using KnownFields = std::vector<KnownField>;

/// Calls `visit` with each field of a message whose fields are all known.
template <typename Visit>
void walk(std::string_view message, const char* name, const KnownFields& known, Visit visit) {
  ProtobufReader reader(message);
  std::set<std::uint64_t> seen;
  Field field{};
  while (reader.next(field)) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const KnownField& each) {
      return each.number == field.number && each.wire == field.wire;
    });
    if (found == known.end()) {
      fail(ErrorCode::kInvalidPackage, "expected the fields of ", name,
           " that `ufvideo export` writes, got field ", field.number, " of wire type ",
           static_cast<int>(field.wire));
    }
    if (!seen.insert(field.number).second && !found->repeated) {
      fail(ErrorCode::kInvalidPackage, "expected field ", field.number, " of ", name,
           " once, got it twice");
    }
    visit(field);
  }
}

std::uint64_t number_of(const std::string& key, std::string_view text) {
  std::uint64_t number = 0;
  const std::string digits(text);
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) {
    fail(ErrorCode::kInvalidPackage, "expected a number as ", key, " of external data, got \"",
         digits.substr(0, 32), "\"");
  }
  return number;
}

void read_external_entry(std::string_view message, GraphFile::External& external,
                         std::set<std::string>& keys) {
  static const KnownFields kFields{{1, Wire::kBytes}, {2, Wire::kBytes}};
  std::string key;
  std::string_view value;
  walk(message, "StringStringEntryProto", kFields, [&](const Field& field) {
    field.number == 1 ? void(key = field.bytes) : void(value = field.bytes);
  });
  if (!keys.insert(key).second) {
    fail(ErrorCode::kInvalidPackage, "expected ", key, " of external data once, got it twice");
  }
  if (key == "location") {
    external.location = value;
  } else if (key == "offset") {
    external.offset_bytes = number_of(key, value);
  } else if (key == "length") {
    external.length_bytes = number_of(key, value);
  } else {
    fail(ErrorCode::kInvalidPackage,
         "expected location, offset and length of external data, got \"", key.substr(0, 64), "\"");
  }
}

/// Constants of more values than a tensor has dimensions say no shapes, axes or scales.
constexpr std::size_t kMaxFewBytes = 8 * sizeof(std::int64_t);

/// Takes the values of a tensor with few of them from their bytes.
template <typename Value>
void take_raw(std::string_view bytes, std::vector<Value>& values) {
  if (bytes.size() > kMaxFewBytes) {
    return;
  }
  for (std::size_t at = 0; at + sizeof(Value) <= bytes.size(); at += sizeof(Value)) {
    Value value{};
    std::memcpy(&value, bytes.data() + at, sizeof(Value));
    values.push_back(value);
  }
}

/// Takes numbers that stand one by one or packed.
void take_integers(const Field& field, std::vector<std::int64_t>& values) {
  if (field.wire == Wire::kVarint) {
    values.push_back(static_cast<std::int64_t>(field.value));
    return;
  }
  ProtobufReader packed(field.bytes);
  std::uint64_t value = 0;
  while (packed.next_packed(value)) {
    values.push_back(static_cast<std::int64_t>(value));
  }
}

void read_weight(std::string_view message, GraphFile& graph) {
  static const KnownFields kFields{
      {1, Wire::kVarint, true}, {1, Wire::kBytes, true},   {2, Wire::kVarint},
      {4, Wire::kBytes, true},  {4, Wire::kFixed32, true}, {5, Wire::kBytes, true},
      {5, Wire::kVarint, true}, {7, Wire::kBytes, true},   {7, Wire::kVarint, true},
      {8, Wire::kBytes},        {9, Wire::kBytes},         {13, Wire::kBytes, true},
      {14, Wire::kVarint}};
  GraphFile::Weight weight;
  GraphFile::External external;
  std::set<std::string> external_keys;
  bool is_external = false;
  std::string_view raw;
  walk(message, "TensorProto", kFields, [&](const Field& field) {
    if (field.number == 1) {
      take_integers(field, weight.shape);
    } else if (field.number == 2) {
      weight.type = static_cast<std::int64_t>(field.value);
    } else if (field.number == 4 && field.wire == Wire::kBytes) {
      take_raw(field.bytes, weight.floats);
    } else if (field.number == 7 && field.bytes.size() <= kMaxFewBytes) {
      take_integers(field, weight.integers);
    } else if (field.number == 8) {
      weight.name = field.bytes;
    } else if (field.number == 9) {
      raw = field.bytes;
    } else if (field.number == 13) {
      read_external_entry(field.bytes, external, external_keys);
    } else if (field.number == 14) {
      is_external = field.value != 0;
    }
  });
  if (weight.type == static_cast<std::int64_t>(OnnxType::kInt64)) {
    take_raw(raw, weight.integers);
  } else if (weight.type == static_cast<std::int64_t>(OnnxType::kFloat)) {
    take_raw(raw, weight.floats);
  }
  if (is_external || !external_keys.empty()) {
    graph.external.push_back(std::move(external));
  }
  graph.weights.push_back(std::move(weight));
}

void read_attribute(std::string_view message, GraphFile::Node& node) {
  // Neither tensors nor graphs.
  static const KnownFields kFields{
      {1, Wire::kBytes},        {2, Wire::kFixed32},     {3, Wire::kVarint},
      {4, Wire::kBytes},        {7, Wire::kBytes, true}, {7, Wire::kFixed32, true},
      {8, Wire::kVarint, true}, {8, Wire::kBytes, true}, {9, Wire::kBytes, true},
      {13, Wire::kBytes},       {20, Wire::kVarint}};
  static const std::set<std::string_view> kWindow{"dilations",    "kernel_shape", "output_padding",
                                                  "output_shape", "pads",         "strides"};
  std::string_view name;
  std::uint64_t integer = 0;
  std::vector<std::int64_t> integers;
  walk(message, "AttributeProto", kFields, [&](const Field& field) {
    if (field.number == 1) {
      name = field.bytes;
    } else if (field.number == 3) {
      integer = field.value;
    } else if (field.number == 8) {
      take_integers(field, integers);
    }
  });
  if (kWindow.count(name) != 0) {
    node.window.insert(node.window.end(), integers.begin(), integers.end());
  }
  if (name == "bits") {
    node.bits = static_cast<std::int64_t>(integer);
  }
}

void read_node(std::string_view message, GraphFile& graph) {
  static const KnownFields kFields{
      {1, Wire::kBytes, true}, {2, Wire::kBytes, true}, {3, Wire::kBytes}, {4, Wire::kBytes},
      {5, Wire::kBytes, true}, {6, Wire::kBytes},       {7, Wire::kBytes}};
  GraphFile::Node node;
  std::string domain;
  walk(message, "NodeProto", kFields, [&](const Field& field) {
    if (field.number == 1) {
      node.inputs.emplace_back(field.bytes);
    } else if (field.number == 4) {
      node.op_type = field.bytes;
    } else if (field.number == 5) {
      read_attribute(field.bytes, node);
    } else if (field.number == 7) {
      domain = field.bytes;
    }
  });
  if (!domain.empty()) {
    node.op_type = domain + "." + node.op_type;
  }
  graph.nodes.push_back(std::move(node));
}

void read_graph(std::string_view message, GraphFile& graph) {
  // Inputs, outputs and the types between them (11 to 13) hold no weights.
  static const KnownFields kFields{{1, Wire::kBytes, true},  {2, Wire::kBytes},
                                   {5, Wire::kBytes, true},  {10, Wire::kBytes},
                                   {11, Wire::kBytes, true}, {12, Wire::kBytes, true},
                                   {13, Wire::kBytes, true}};
  walk(message, "GraphProto", kFields, [&](const Field& field) {
    if (field.number == 1) {
      read_node(field.bytes, graph);
    } else if (field.number == 5) {
      read_weight(field.bytes, graph);
    }
  });
}

}  // namespace

GraphFile read_graph_file(const std::filesystem::path& path) {
  static const KnownFields kFields{{1, Wire::kVarint}, {2, Wire::kBytes}, {3, Wire::kBytes},
                                   {6, Wire::kBytes},  {7, Wire::kBytes}, {8, Wire::kBytes, true}};
  std::ifstream stream = open_file(path);
  const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) {
    fail(ErrorCode::kInvalidPackage, "expected to read all of ", path.string(),
         ", the read failed");
  }
  GraphFile graph;
  try {
    walk(bytes, "ModelProto", kFields, [&](const Field& field) {
      if (field.number == 7) {
        read_graph(field.bytes, graph);
      }
    });
  } catch (const Error& error) {
    fail(error.code(), path.string(), ": ", error.what());
  }
  return graph;
}

}  // namespace ufvideo
