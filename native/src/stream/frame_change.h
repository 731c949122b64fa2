#pragma once

#include "ufvideo/tensor.h"

namespace ufvideo {

/// How much the vision features of a frame differ from those of another one, from 0, equal, to 1.
///
/// A patch's change is |a - b|^2 / (2 (|a|^2 + |b|^2)): 0 if its features are equal, 0.5 if they
/// are orthogonal, 1 if they are opposite. The frame's is the mean of the most changed sixteenth of
/// its patches, so that a small object counts as much as a large one, and one noisy patch does not.
///
/// @param first, second float32 of equal shape [..., P, Dv], in host memory.
double frame_change(const Tensor& first, const Tensor& second);

}  // namespace ufvideo
