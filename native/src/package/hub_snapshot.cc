#include "package/hub_snapshot.h"

#include <string>

namespace ufvideo {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kSha256Digits = 64;

bool is_hex(const std::string& text, std::size_t num_digits) {
  return text.size() == num_digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

bool is_hub_blob(const fs::path& folder, const fs::path& file) {
  const fs::path repository = folder.parent_path().parent_path();
  if (!is_hex(folder.filename().string(), kSha1Digits) ||
      folder.parent_path().filename() != "snapshots" ||
      repository.filename().string().rfind("models--", 0) != 0) {
    return false;
  }
  const std::string name = file.filename().string();
  if (file.parent_path() == repository / "blobs") {
    return is_hex(name, kSha1Digits) || is_hex(name, kSha256Digits);
  }
  return is_hex(name, kSha256Digits) &&
         file.parent_path() == repository.parent_path() / "blobs" / name.substr(0, 2);
}

}  // namespace ufvideo
