#include "package/json_reader.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "package/open_file.h"
#include "ufvideo/manifest.h"

namespace ufvideo {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 16;

/// Follows the parser and refuses what nlohmann::json itself lets through: repeated keys (the last
/// would win silently) and nesting that later recursion could not bear.
class StructureCheck {
 public:
  explicit StructureCheck(std::string source) : source_(std::move(source)) {}

  void see(json::parse_event_t event, const json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        begin_item();
        open(event == json::parse_event_t::array_start);
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        levels_.pop_back();
        break;
      case json::parse_event_t::key:
        see_key(parsed.get_ref<const std::string&>());
        break;
      case json::parse_event_t::value:
        begin_item();
        break;
    }
  }

  /// Refuses the value that the parser has read the beginning of.
  template <typename... Parts>
  [[noreturn]] void refuse_next(const Parts&... parts) {
    begin_item();
    refuse(parts...);
  }

  /// Refuses the value that was seen last, by its path.
  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    const std::string where = path();
    refuse_text(where, where.empty() ? "" : ": ", parts...);
  }

  /// Refuses the text as a whole.
  template <typename... Parts>
  [[noreturn]] void refuse_text(const Parts&... parts) const {
    fail(ErrorCode::kInvalidPackage, source_, source_.empty() ? "" : ": ", parts...);
  }

 private:
  struct Level {
    bool is_array;
    std::int64_t item_idx;
    std::string key;
    std::set<std::string> keys;
  };

  std::string path() const {
    std::string path;
    for (const Level& level : levels_) {
      if (level.is_array) {
        path += level.item_idx < 0 ? "" : "[" + std::to_string(level.item_idx) + "]";
      } else {
        path += (path.empty() || level.key.empty() ? "" : ".") + shown_key(level.key);
      }
    }
    return path;
  }

  void begin_item() {
    if (!levels_.empty()) {
      levels_.back().item_idx += 1;
    }
  }

  void open(bool is_array) {
    if (levels_.size() == kMaxDepth) {
      refuse("expected JSON of at most ", kMaxDepth, " levels, got more");
    }
    levels_.push_back({is_array, -1, "", {}});
  }

  void see_key(const std::string& key) {
    Level& level = levels_.back();
    level.key = key;
    if (!level.keys.insert(key).second) {
      refuse("expected this key once, got it twice");
    }
  }

  std::string source_;
  std::vector<Level> levels_;
};

/// Second and later bytes of a UTF-8 character.
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string read_json_file(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    fail(ErrorCode::kInvalidPackage, "expected a file ", path.string(), ", got: ", error.message());
  }
  if (size > kMaxManifestBytes) {
    fail(ErrorCode::kInvalidPackage, path.string(), ": expected at most ", kMaxManifestBytes,
         " bytes, got ", size);
  }
  std::ifstream stream = open_file(path);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.good() && !stream.eof()) {
    fail(ErrorCode::kInvalidPackage, "expected a readable file ", path.string());
  }
  return text;
}

json parse_json(const std::string& text, const std::string& source) {
  StructureCheck check(source);
  if (text.size() > kMaxManifestBytes) {
    check.refuse("expected at most ", kMaxManifestBytes, " bytes, got ", text.size());
  }
  // The parser skips it, and RFC 8259 forbids to write it.
  if (text.compare(0, 3, "\xef\xbb\xbf") == 0) {
    check.refuse("expected JSON, got a byte order mark before it");
  }
  // The parser takes it for the end, and whatever stands behind it for nothing.
  const std::size_t nul = text.find('\0');
  if (nul != std::string::npos) {
    check.refuse("expected JSON, got a NUL byte as byte ", nul + 1, " of ", text.size());
  }
  try {
    return json::parse(text, [&check](int, json::parse_event_t event, json& parsed) {
      check.see(event, parsed);
      return true;
    });
  } catch (const json::parse_error& problem) {
    if (problem.byte > text.size()) {
      check.refuse_text("expected JSON, got a text that is cut off: it ends in line ",
                        1 + std::count(text.begin(), text.end(), '\n'), " behind byte ",
                        text.size());
    }
    check.refuse_next("expected JSON, got: ", printable(problem.what()));
  } catch (const json::exception& problem) {
    check.refuse_next("expected JSON, got: ", printable(problem.what()));
  }
}

std::size_t num_characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string printable(const std::string& text) {
  const std::string quoted = json(text).dump(-1, ' ', true, json::error_handler_t::replace);
  std::string escaped;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] != '\\' || quoted[i + 1] != '"') {
      escaped += quoted[i];
    }
  }
  return escaped;
}

std::string shown_key(const std::string& key) {
  constexpr std::size_t kMostShown = 80;
  const std::string text = printable(key);
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown - 3) + "...";
}

void JsonValue::require_keys(const std::vector<std::string>& expected) const {
  for (const std::string& key : keys(value_.size())) {
    if (std::find(expected.begin(), expected.end(), key) == expected.end()) {
      fail_at(ErrorCode::kInvalidPackage, path_of(shown_key(key)), "unknown key, expected ",
              joined(expected));
    }
  }
  for (const std::string& key : expected) {
    if (!value_.contains(key)) {
      fail_at(ErrorCode::kInvalidPackage, path_of(key),
              "expected this key, got an object without it");
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
  keys.reserve(value_.size());
  for (const auto& item : value_.items()) {
    keys.push_back(item.key());
  }
  return keys;
}

JsonValue JsonValue::member(const std::string& key) const {
  return {value_.at(key), source_, path_of(shown_key(key))};
}

std::vector<JsonValue> JsonValue::items(std::size_t min, std::size_t max) const {
  if (!value_.is_array()) {
    refuse("expected an array, got ", value_.type_name());
  }
  if (value_.size() < min || value_.size() > max) {
    refuse("expected ", min, " to ", max, " items, got ", value_.size());
  }
  std::vector<JsonValue> items;
  items.reserve(value_.size());
  for (std::size_t i = 0; i < value_.size(); ++i) {
    items.push_back({value_[i], source_, path_ + "[" + std::to_string(i) + "]"});
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

std::string JsonValue::text(std::size_t min_length, std::size_t max_length) const {
  if (!value_.is_string()) {
    refuse("expected a string, got ", value_.type_name());
  }
  const auto& text = value_.get_ref<const std::string&>();
  const std::size_t length = num_characters(text);
  if (length < min_length || length > max_length) {
    refuse("expected ", min_length, " to ", max_length, " characters, got ", length);
  }
  return text;
}

std::string JsonValue::one_of(const std::vector<std::string>& allowed) const {
  for (const std::string& choice : allowed) {
    if (value_ == choice) {
      return choice;
    }
  }
  const bool is_short = value_.is_string() && value_.get_ref<const std::string&>().size() <= 64;
  refuse("expected one of ", joined(allowed), ", got ",
         is_short ? value_.dump(-1, ' ', true) : value_.type_name());
}

}  // namespace ufvideo
