#include "tracking/memory_bank.h"

#include <algorithm>
#include <utility>

namespace ufvideo {

void MemoryBank::remember(FrameMemory memory, FrameKind kind) {
  frames_.push_back({num_frames_++, kind, std::move(memory)});
  int num_prompted = 0;
  int num_distractors = 0;
  // A frame beyond the bound of its kind is a plain one from now on: later ones are nearer.
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->kind == FrameKind::kPrompted && ++num_prompted > limits_.max_prompted) {
      frame->kind = FrameKind::kPlain;
    }
    if (frame->kind == FrameKind::kDistractor && ++num_distractors > limits_.max_distractors) {
      frame->kind = FrameKind::kPlain;
    }
  }
  const int window = limits_.num_memories - 1 - std::min(num_distractors, limits_.max_distractors);
  for (Frame& frame : frames_) {
    if (frame.kind == FrameKind::kPlain && age(frame) >= window) {
      frame.memory.features = Tensor();
    }
    if (frame.kind != FrameKind::kPrompted && age(frame) >= limits_.max_pointers - 1) {
      frame.memory.pointer = Tensor();
    }
  }
  const auto is_forgotten = [](const Frame& frame) { return frame.memory.bytes() == 0; };
  frames_.erase(std::remove_if(frames_.begin(), frames_.end(), is_forgotten), frames_.end());
}

void MemoryBank::recall_features(FrameKind kind, Recall& recall) const {
  for (const Frame& frame : frames_) {
    if (frame.kind == kind && !frame.memory.features.empty()) {
      recall.features.push_back(frame.memory.features);
      recall.ages.push_back(kind == FrameKind::kPlain ? age(frame) : limits_.prompted_age);
    }
  }
}

Recall MemoryBank::recall() const {
  Recall recall;
  for (const FrameKind kind : {FrameKind::kPrompted, FrameKind::kDistractor, FrameKind::kPlain}) {
    recall_features(kind, recall);
  }
  for (const Frame& frame : frames_) {
    if (frame.kind == FrameKind::kPrompted) {
      recall.pointers.push_back(frame.memory.pointer);
    }
  }
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->kind != FrameKind::kPrompted && !frame->memory.pointer.empty()) {
      recall.pointers.push_back(frame->memory.pointer);
    }
  }
  return recall;
}

std::size_t MemoryBank::bytes() const {
  std::size_t bytes = 0;
  for (const Frame& frame : frames_) {
    bytes += frame.memory.bytes();
  }
  return bytes;
}

}  // namespace ufvideo
