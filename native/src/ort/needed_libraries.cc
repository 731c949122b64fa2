#include "ort/needed_libraries.h"

#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>

namespace ufvideo {
namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Entry = ElfW(Dyn);

// Far above what a linker writes; a damaged file allocates no more.
constexpr std::size_t kMaxSegments = 1024;
constexpr std::size_t kMaxEntries = 65536;
constexpr std::size_t kMaxNameBytes = 256;

class SharedLibraryFile {
 public:
  explicit SharedLibraryFile(const std::filesystem::path& path) : file_(path, std::ios::binary) {
    Header header{};
    constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    if (!read(0, &header, 1) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != kClass || header.e_phentsize != sizeof(Segment) ||
        header.e_phnum > kMaxSegments) {
      return;
    }
    segments_.resize(header.e_phnum);
    if (!read(header.e_phoff, segments_.data(), segments_.size())) {
      segments_.clear();
    }
  }

  std::vector<Entry> dynamic_entries() {
    const auto dynamic =
        std::find_if(segments_.begin(), segments_.end(),
                     [](const Segment& segment) { return segment.p_type == PT_DYNAMIC; });
    if (dynamic == segments_.end()) {
      return {};
    }
    std::vector<Entry> entries(
        std::min<std::size_t>(dynamic->p_filesz / sizeof(Entry), kMaxEntries));
    if (!read(dynamic->p_offset, entries.data(), entries.size())) {
      return {};
    }
    const auto end = std::find_if(entries.begin(), entries.end(),
                                  [](const Entry& entry) { return entry.d_tag == DT_NULL; });
    entries.erase(end, entries.end());
    return entries;
  }

  /// Where in the file an address is once it is loaded.
  std::optional<std::size_t> offset_of(std::size_t address) const {
    for (const Segment& segment : segments_) {
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
          address - segment.p_vaddr < segment.p_filesz) {
        return segment.p_offset + (address - segment.p_vaddr);
      }
    }
    return std::nullopt;
  }

  std::string text_at(std::size_t offset) {
    std::string text;
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    for (char letter = 0; text.size() < kMaxNameBytes && file_.get(letter) && letter != '\0';) {
      text += letter;
    }
    return text;
  }

 private:
  template <typename T>
  bool read(std::size_t offset, T* items, std::size_t count) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(reinterpret_cast<char*>(items), static_cast<std::streamsize>(count * sizeof(T)));
    return file_.good();
  }

  std::ifstream file_;
  std::vector<Segment> segments_;
};

}  // namespace

std::vector<std::string> needed_libraries(const std::filesystem::path& library) {
  SharedLibraryFile file(library);
  const std::vector<Entry> entries = file.dynamic_entries();
  const auto names = std::find_if(entries.begin(), entries.end(),
                                  [](const Entry& entry) { return entry.d_tag == DT_STRTAB; });
  std::vector<std::string> needed;
  if (names == entries.end()) {
    return needed;
  }
  const std::optional<std::size_t> table = file.offset_of(names->d_un.d_ptr);
  for (const Entry& entry : entries) {
    if (table && entry.d_tag == DT_NEEDED) {
      needed.push_back(file.text_at(*table + entry.d_un.d_val));
    }
  }
  return needed;
}

}  // namespace ufvideo
