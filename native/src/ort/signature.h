#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "ufvideo/manifest.h"
#include "ufvideo/tensor.h"

namespace ufvideo {

/// The inputs or the outputs of a stage by name: a decode step looks four tensors a layer up.
/// Keeps pointers to the specs.
class Border {
 public:
  struct Place {
    const TensorSpec* spec;
    DType dtype;
    std::size_t position;
  };

  explicit Border(const std::vector<TensorSpec>& specs) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      places_.emplace(specs[i].name, Place{&specs[i], parse_dtype(specs[i].dtype), i});
    }
  }

  std::size_t size() const { return places_.size(); }
  /// Null when there is none of that name.
  const Place* find(const std::string& name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  std::unordered_map<std::string, Place> places_;
};

}  // namespace ufvideo
