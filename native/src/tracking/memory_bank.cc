#include "tracking/memory_bank.h"

#include <algorithm>
#include <utility>

namespace ufvideo {

void MemoryBank::remember(FrameMemory memory, bool was_prompted) {
  frames_.push_back({num_frames_++, was_prompted, std::move(memory)});
  int num_prompted = 0;
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->is_prompted && num_prompted < limits_.max_prompted) {
      ++num_prompted;
      continue;
    }
    // A prompted frame beyond the bound stays a plain one: later prompts are nearer.
    frame->is_prompted = false;
    if (age(*frame) >= limits_.num_memories - 1) {
      frame->memory.features = Tensor();
    }
    if (age(*frame) >= limits_.max_pointers - 1) {
      frame->memory.pointer = Tensor();
    }
  }
  const auto is_forgotten = [](const Frame& frame) { return frame.memory.bytes() == 0; };
  frames_.erase(std::remove_if(frames_.begin(), frames_.end(), is_forgotten), frames_.end());
}

Recall MemoryBank::recall() const {
  Recall recall;
  for (const bool prompted : {true, false}) {
    for (const Frame& frame : frames_) {
      if (frame.is_prompted == prompted && !frame.memory.features.empty()) {
        recall.features.push_back(frame.memory.features);
        recall.ages.push_back(prompted ? limits_.prompted_age : age(frame));
      }
    }
  }
  for (const Frame& frame : frames_) {
    if (frame.is_prompted) {
      recall.pointers.push_back(frame.memory.pointer);
    }
  }
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (!frame->is_prompted && !frame->memory.pointer.empty()) {
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
