#pragma once

#include <filesystem>

namespace ufvideo {

/// Whether `file` is one that the cache of the Hugging Face Hub keeps for the snapshot `folder`;
/// both with links resolved. A snapshot, models--USER--NAME/snapshots/COMMIT, holds links to
/// models--USER--NAME/blobs/DIGEST, which may be links to blobs/XX/HASH at the top of the cache.
/// No other folder has such files, and no other file outside counts.
bool is_hub_blob(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace ufvideo
