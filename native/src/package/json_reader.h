#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/error_message.h"

namespace ufvideo {

/// Parses a file of at most 1 MiB as strict JSON: no comments, no duplicate keys, bounded depth.
/// Throws InvalidPackage.
nlohmann::json parse_json_file(const std::filesystem::path& path);

/// A JSON value and its full path ("stages.aligner.inputs[0].shape"), read strictly.
class JsonValue {
 public:
  JsonValue(const nlohmann::json& value, std::string path)
      : value_(value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool is_null() const { return value_.is_null(); }
  bool is_string() const { return value_.is_string(); }

  /// Requires an object with exactly these keys.
  void require_keys(const std::set<std::string>& keys) const;
  /// Requires an object and returns its keys, at most `limit` of them.
  std::vector<std::string> keys(std::size_t limit) const;
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
  /// Requires a string of 1 to `max_length` bytes.
  std::string text(std::size_t max_length) const;

  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    fail(ErrorCode::kInvalidPackage, "manifest.json: ", path_, ": ", parts...);
  }

 private:
  const nlohmann::json& value_;
  std::string path_;
};

}  // namespace ufvideo
