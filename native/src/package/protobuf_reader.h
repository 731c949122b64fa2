#pragma once

#include <cstdint>
#include <string_view>

namespace ufvideo {

/// Walks the fields of one message in the protocol buffer wire format.
class ProtobufReader {
 public:
  enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  struct Field {
    std::uint64_t number;
    Wire wire;
    /// Of kVarint.
    std::uint64_t value;
    /// Of kBytes.
    std::string_view bytes;
  };

  explicit ProtobufReader(std::string_view message) : rest_(message) {}

  /// Reads the next field; false at the end of the message. Throws InvalidPackage when the bytes
  /// are no protocol buffer.
  bool next(Field& field);
  /// Reads a number without a tag, as packed fields hold them; false at the end.
  bool next_packed(std::uint64_t& value);

 private:
  std::string_view take(std::uint64_t size);
  std::uint64_t varint();

  std::string_view rest_;
};

}  // namespace ufvideo
