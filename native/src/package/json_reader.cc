#include "package/json_reader.h"

#include <cmath>
#include <fstream>
#include <iterator>

namespace ufvideo {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 20;
constexpr int kMaxDepth = 16;

/// Follows the parser and refuses what nlohmann::json itself lets through.
class StructureCheck {
 public:
  explicit StructureCheck(std::string file) : file_(std::move(file)) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) {
      fail(ErrorCode::kInvalidPackage, file_, ": expected JSON of at most ", kMaxDepth,
           " levels, got more");
    }
    if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key) {
      if (!keys_.back().insert(parsed.get<std::string>()).second) {
        fail(ErrorCode::kInvalidPackage, file_, ": key ", parsed.get<std::string>(),
             ": expected once in its object, got twice");
      }
    }
    return true;
  }

 private:
  std::string file_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

json parse_json_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    fail(ErrorCode::kInvalidPackage, "expected a file ", path.string(), ", got: ", error.message());
  }
  if (size > kMaxBytes) {
    fail(ErrorCode::kInvalidPackage, path.string(), ": expected at most ", kMaxBytes,
         " bytes, got ", size);
  }
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.good() && !stream.eof()) {
    fail(ErrorCode::kInvalidPackage, "expected a readable file ", path.string());
  }
  StructureCheck check(path.filename().string());
  try {
    return json::parse(text, [&check](int depth, json::parse_event_t event, json& parsed) {
      return check(depth, event, parsed);
    });
  } catch (const json::exception& problem) {
    fail(ErrorCode::kInvalidPackage, path.filename().string(), ": expected JSON, got: ",
         problem.what());
  }
}

void JsonValue::require_keys(const std::set<std::string>& expected) const {
  const std::vector<std::string> found = keys(1 << 12);
  for (const std::string& key : found) {
    if (expected.count(key) == 0) {
      member(key).refuse("unknown key");
    }
  }
  for (const std::string& key : expected) {
    if (!value_.contains(key)) {
      fail(ErrorCode::kInvalidPackage, "manifest.json: ", path_.empty() ? key : path_ + "." + key,
           ": expected this key, got none");
    }
  }
}

std::vector<std::string> JsonValue::keys(std::size_t limit) const {
  if (!value_.is_object()) {
    refuse("expected an object, got ", value_.type_name());
  }
  if (value_.size() > limit) {
    refuse("expected at most ", limit, " keys, got ", value_.size());
  }
  std::vector<std::string> keys;
  for (const auto& item : value_.items()) {
    keys.push_back(item.key());
  }
  return keys;
}

JsonValue JsonValue::member(const std::string& key) const {
  return {value_.at(key), path_.empty() ? key : path_ + "." + key};
}

std::vector<JsonValue> JsonValue::items(std::size_t min, std::size_t max) const {
  if (!value_.is_array()) {
    refuse("expected an array, got ", value_.type_name());
  }
  if (value_.size() < min || value_.size() > max) {
    refuse("expected ", min, " to ", max, " items, got ", value_.size());
  }
  std::vector<JsonValue> items;
  for (std::size_t i = 0; i < value_.size(); ++i) {
    items.emplace_back(value_[i], path_ + "[" + std::to_string(i) + "]");
  }
  return items;
}

std::int64_t JsonValue::integer(std::int64_t min, std::int64_t max) const {
  if (!value_.is_number_integer()) {
    refuse("expected an integer, got ", value_.is_number() ? value_.dump() : value_.type_name());
  }
  const bool huge = value_.is_number_unsigned() &&
                    value_.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if (huge || value_.get<std::int64_t>() < min || value_.get<std::int64_t>() > max) {
    refuse("expected ", min, " to ", max, ", got ", value_.dump());
  }
  return value_.get<std::int64_t>();
}

double JsonValue::measure() const {
  if (!value_.is_number()) {
    refuse("expected a number, got ", value_.type_name());
  }
  const double number = value_.get<double>();
  if (!std::isfinite(number) || number < 0.0) {
    refuse("expected a finite number of 0 or more, got ", value_.dump());
  }
  return number;
}

std::string JsonValue::text(std::size_t max_length) const {
  if (!value_.is_string()) {
    refuse("expected a string, got ", value_.type_name());
  }
  const auto& text = value_.get_ref<const std::string&>();
  if (text.empty() || text.size() > max_length) {
    refuse("expected 1 to ", max_length, " bytes, got ", text.size());
  }
  return text;
}

}  // namespace ufvideo
