#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {

/// The text of a file of at most 1 MiB. Throws InvalidPackage.
std::string read_json_file(const std::filesystem::path& path);

/// Parses strict JSON: no comments, no byte order mark, no duplicate keys, bounded depth. Throws
/// InvalidPackage.
///
/// @param source names the text in messages; empty: nothing does.
nlohmann::json parse_json(const std::string& text, const std::string& source);

/// Text of a file for a message: everything but printable ASCII is escaped, because a terminal
/// takes some characters for commands.
std::string printable(const std::string& text);
/// A key of a file for a message, cut to a readable length.
std::string shown_key(const std::string& key);

/// Characters (code points) of UTF-8.
std::size_t num_characters(const std::string& text);

/// A JSON value, its source and its full path ("stages.aligner.inputs[0].shape"), read strictly:
/// what is not as required is InvalidPackage. Refers to the parsed document, which must outlive it.
class JsonValue {
 public:
  /// A whole document.
  ///
  /// @param source names it in messages; empty: nothing does.
  JsonValue(const nlohmann::json& document, std::string source)
      : value_(document), source_(std::move(source)) {}

  bool is_null() const { return value_.is_null(); }
  bool is_string() const { return value_.is_string(); }

  /// Requires an object with exactly these keys.
  void require_keys(const std::vector<std::string>& expected) const;
  /// Requires an object of at most `limit` keys and returns them.
  std::vector<std::string> keys(std::size_t limit) const;
  /// The value of a key that is there.
  JsonValue member(const std::string& key) const;

  /// Requires an array of `min` to `max` items.
  std::vector<JsonValue> items(std::size_t min, std::size_t max) const;

  /// Requires an integer within the bounds.
  std::int64_t integer(std::int64_t min, std::int64_t max) const;
  int count(std::int64_t min, std::int64_t max) const {
    return static_cast<int>(integer(min, max));
  }
  /// Requires a finite number of 0 or more.
  double measure() const;
  /// Requires a string of `min_length` to `max_length` characters (code points).
  std::string text(std::size_t min_length, std::size_t max_length) const;
  /// Requires one of these strings.
  std::string one_of(const std::vector<std::string>& allowed) const;

  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail_at(ErrorCode::kInvalidPackage, path_, parts...);
  }
  /// The same with another code.
  template <typename... Parts>
  [[noreturn]] void refuse_as(ErrorCode code, const Parts&... parts) const {
    fail_at(code, path_, parts...);
  }

 private:
  JsonValue(const nlohmann::json& value, std::string source, std::string path)
      : value_(value), source_(std::move(source)), path_(std::move(path)) {}

  std::string path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  template <typename... Parts>
  [[noreturn]] void fail_at(ErrorCode code, const std::string& path, const Parts&... parts) const {
    fail(code, source_, source_.empty() ? "" : ": ", path, path.empty() ? "" : ": ", parts...);
  }

  const nlohmann::json& value_;
  std::string source_;
  std::string path_;
};

}  // namespace ufvideo
