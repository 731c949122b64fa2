#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error_message.h"

namespace ufvideo {

/// Parses a file of at most 1 MiB as strict JSON: no comments, no duplicate keys, bounded depth.
/// Throws InvalidPackage.
nlohmann::json parse_json_file(const std::filesystem::path& path);

/// A JSON value, its file and its full path ("stages.aligner.inputs[0].shape"), read strictly: what
/// is not as required is InvalidPackage. Refers to the parsed document, which must outlive it.
class JsonValue {
 public:
  /// The whole document of a file.
  JsonValue(const nlohmann::json& document, const std::filesystem::path& file)
      : value_(document), file_(file.string()) {}

  const std::string& file() const { return file_; }
  bool is_null() const { return value_.is_null(); }
  bool is_string() const { return value_.is_string(); }

  /// Requires an object with exactly these keys.
  void require_keys(const std::set<std::string>& expected) const;
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
    fail(ErrorCode::kInvalidPackage, file_, ": ", path_, path_.empty() ? "" : ": ", parts...);
  }

 private:
  JsonValue(const nlohmann::json& value, std::string file, std::string path)
      : value_(value), file_(std::move(file)), path_(std::move(path)) {}

  std::string path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

  const nlohmann::json& value_;
  std::string file_;
  std::string path_;
};

}  // namespace ufvideo
