#include "tracking/tracker_state.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error_message.h"
#include "base/stage_clock.h"
#include "frames/mask_runs_decoder.h"
#include "tensor/device_memory.h"

namespace ufvideo {
namespace {

std::shared_ptr<FeatureStore> checked_store(const Model& model,
                                            std::shared_ptr<FeatureStore> store) {
  if (!store) {
    return std::make_shared<FeatureStore>(model);
  }
  if (!store->is_of(model)) {
    fail(ErrorCode::kInvalidInput,
         "tracker: store: expected a feature store of this model, got another model's");
  }
  return store;
}

BankLimits bank_limits(const Model& model, const TrackerConfig& config) {
  // Asking for a stage says what is missing if the package cannot track.
  model.memory_encoder();
  const TrackingConfig& tracking = *model.manifest().tracking;
  const int num_memories = config.num_memories.value_or(tracking.num_memories);
  if (num_memories < 1 || num_memories > tracking.num_memories) {
    fail(ErrorCode::kInvalidConfig, "tracker: num_memories: expected 1 to ", tracking.num_memories,
         ", the model's own number, got ", num_memories);
  }
  if (config.max_prompted < 1 || config.max_prompted > kMaxPromptedFrames) {
    fail(ErrorCode::kInvalidConfig, "tracker: max_prompted: expected 1 to ", kMaxPromptedFrames,
         ", got ", config.max_prompted);
  }
  // The last frame stays, and at least as many of the last frames as there are distractor frames.
  const int max_distractors =
      config.memory == TrackMemory::kDistractor ? std::min(3, (num_memories - 1) / 2) : 0;
  return {num_memories, tracking.num_memories - 1, tracking.max_object_pointers,
          config.max_prompted, max_distractors};
}

/// Bytes of one frame in the memory of one object.
std::size_t bytes_of_memory(const Manifest& manifest) {
  const auto side = static_cast<std::size_t>(manifest.video.mask_logits_size_px / 4);
  const TensorSpec& features = manifest.stages.at("mask_encoder").outputs.front();
  const auto width = static_cast<std::size_t>(std::get<std::int64_t>(features.shape[1]));
  return (manifest.tracking->memory_width * side * side + width) * sizeof(float);
}

/// Objects in one run: one where a batch would change an object's numbers.
std::size_t tracked_objects_per_run(const Model& model) {
  const std::vector<const Stage*> stages{&model.mask_decoder(), &model.memory_encoder(),
                                         &model.memory_attention(), &model.track_decoder()};
  const bool batches = std::all_of(stages.begin(), stages.end(),
                                   [](const Stage* stage) { return stage->batches_frames(); });
  return batches ? kObjectsPerTracking : 1;
}

}  // namespace

/// Gives back, at its end, what the lease holds beyond the memories: those of a step that failed,
/// and those that the step's own have replaced.
class Tracker::State::LeaseOfBanks {
 public:
  explicit LeaseOfBanks(State& state) : state_(state) {}
  ~LeaseOfBanks() { state_.lease.shrink_to(state_.bank_bytes()); }
  LeaseOfBanks(const LeaseOfBanks&) = delete;
  LeaseOfBanks& operator=(const LeaseOfBanks&) = delete;

 private:
  State& state_;
};

Tracker::State::State(std::shared_ptr<const Model> shared_model,
                      std::shared_ptr<FeatureStore> store, const TrackerConfig& config)
    : model(std::move(shared_model)),
      call([this] { publish(); }),
      encoder(*model, checked_store(*model, std::move(store))),
      limits(bank_limits(*model, config)),
      bytes_of_frame(bytes_of_memory(model->manifest())),
      objects_per_run(tracked_objects_per_run(*model)),
      lease(model->memory_budget(), MemoryKind::kTrackMemory) {}

void Tracker::State::publish() {
  const std::size_t bytes = bank_bytes();
  std::vector<std::int64_t> ids;
  for (const TrackedObject& each : objects) {
    ids.push_back(each.id);
  }
  const std::lock_guard<std::mutex> lock(published.mutex);
  published.timings = call.timings();
  published.object_ids = std::move(ids);
  published.memory_bytes = bytes;
}

TrackedObject& Tracker::State::object(std::int64_t id) {
  const auto found = std::find_if(objects.begin(), objects.end(),
                                  [&](const TrackedObject& each) { return each.id == id; });
  if (found == objects.end()) {
    std::vector<std::string> ids;
    for (const TrackedObject& each : objects) {
      ids.push_back(std::to_string(each.id));
    }
    fail(ErrorCode::kInvalidInput, "track: object_id: expected one of [", joined(ids), "], got ",
         id);
  }
  return *found;
}

std::size_t Tracker::State::bank_bytes() const {
  std::size_t bytes = 0;
  for (const TrackedObject& each : objects) {
    bytes += each.bank.bytes();
  }
  return bytes;
}

Shape Tracker::State::frame_size(const std::optional<Tensor>& frame) const {
  Shape known = encoder.store()->frame_size();
  if (!frame) {
    if (known.empty()) {
      fail(ErrorCode::kInvalidInput,
           "track: frame: expected pixels, since the store knows no frame size yet, got none");
    }
    return known;
  }
  const Shape& shape = frame->shape();
  if (frame->dtype() != DType::kUint8 || shape.size() != 3 || shape[0] < 1 || shape[1] < 1 ||
      shape[2] != 3) {
    fail(ErrorCode::kInvalidInput, "track: frame: expected uint8 [H, W, 3], got ",
         dtype_name(frame->dtype()), " ", shape_string(shape));
  }
  Shape size{shape[0], shape[1]};
  if (!known.empty() && size != known) {
    fail(ErrorCode::kInvalidInput, "track: frame: expected the size of the source's other frames, ",
         shape_string(known), ", got ", shape_string(size));
  }
  return size;
}

Tracker::State::Frame Tracker::State::encoded(const std::optional<Tensor>& frame,
                                              std::int64_t frame_idx) {
  Shape size = frame_size(frame);
  // A scan for each frame: the features of the latest frames stay, which others ask for next.
  const std::uint64_t scan = encoder.store()->begin_scan();
  MaskFrameEncoder::Features features;
  if (frame) {
    const std::vector<std::int64_t> idxs{frame_idx};
    const Tensor frames = frame->reshaped({1, size[0], size[1], 3});
    features = encoder.features_of({frames, idxs, 0, 1}, scan, call.timings()).front();
  } else {
    features = encoder.find(frame_idx, scan);
  }
  if (!features) {
    fail(ErrorCode::kInvalidInput, "track: frame: expected the pixels of frame ", frame_idx,
         ", whose SAM 2 features are not kept, got none");
  }
  encoder.store()->set_frame_size(size);
  return {std::move(features), std::move(size)};
}

TrackedFrame Tracker::State::step(const std::optional<Tensor>& frame, std::int64_t frame_idx) {
  const StageTimings before = call.timings();
  call.report(0, static_cast<std::int64_t>(objects.size()));
  if (objects.empty()) {
    return described({}, {});
  }
  // First: to find room for memories, features that nobody holds are evicted.
  const Frame seen = encoded(frame, frame_idx);
  lease.grow(objects.size() * bytes_of_frame,
             {"tracker", message("to remember ", objects.size(), " objects on a frame"),
              "track fewer objects or with fewer memories"});
  const LeaseOfBanks held(*this);
  Found found = find(*seen.features);
  TrackedFrame result = described(found.objects, seen.size);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    result.object_ids.push_back(objects[i].id);
    result.was_prompted.data<bool>()[i] = objects[i].prompt.has_value();
  }
  result.timings = timings_between(before, call.timings());
  if (call.is_cancelled()) {
    throw RunCancelled();
  }
  remember(std::move(found));
  return result;
}

TrackedFrame Tracker::State::decode_prompts(const Tensor& states,
                                            const std::optional<Tensor>& frame,
                                            std::int64_t frame_idx) {
  const StageTimings before = call.timings();
  const std::int64_t num_objects = states.dim(0);
  call.report(0, num_objects);
  const Frame seen = encoded(frame, frame_idx);
  const ObjectFinder finder(*model, *seen.features, call.timings());
  std::vector<FoundObject> found;
  const auto step = static_cast<std::int64_t>(objects_per_run);
  for (std::int64_t first = 0; first < num_objects; first += step) {
    const std::int64_t end = std::min(first + step, num_objects);
    for (FoundObject& each : finder.by_prompt(states.rows(first, end))) {
      found.push_back(std::move(each));
    }
    call.report(end, num_objects);
  }
  TrackedFrame result = described(found, seen.size);
  for (std::int64_t i = 0; i < num_objects; ++i) {
    result.object_ids.push_back(i);
    result.was_prompted.data<bool>()[i] = true;
  }
  result.timings = timings_between(before, call.timings());
  return result;
}

Tracker::State::Found Tracker::State::find(const MaskFeatures& features) {
  std::vector<Recall> recalls;
  std::vector<TrackShape> shapes;
  for (const TrackedObject& each : objects) {
    recalls.push_back(each.prompt ? Recall{} : each.bank.recall());
    shapes.push_back({each.prompt.has_value(), each.bank.is_settled(),
                      recalls.back().features.size(), recalls.back().pointers.size()});
  }
  const ObjectFinder finder(*model, features, call.timings());
  Found found{std::vector<FoundObject>(objects.size()), std::vector<FrameMemory>(objects.size())};
  std::int64_t done = 0;
  for (const TrackGroup& group : track_groups(shapes, objects_per_run)) {
    std::vector<FoundObject> of_group = find_group(finder, group, recalls);
    std::vector<FrameMemory> memories = finder.memories_of(of_group);
    for (std::size_t i = 0; i < of_group.size(); ++i) {
      found.objects[group.objects[i]] = std::move(of_group[i]);
      found.memories[group.objects[i]] = std::move(memories[i]);
    }
    done += static_cast<std::int64_t>(group.objects.size());
    call.report(done, static_cast<std::int64_t>(objects.size()));
  }
  return found;
}

std::vector<FoundObject> Tracker::State::find_group(const ObjectFinder& finder,
                                                    const TrackGroup& group,
                                                    const std::vector<Recall>& recalls) const {
  if (group.is_prompted) {
    std::vector<Tensor> states;
    for (const std::size_t i : group.objects) {
      states.push_back(*objects[i].prompt);
    }
    return finder.by_prompt(concatenated(states));
  }
  std::vector<Recall> of_group;
  for (const std::size_t i : group.objects) {
    of_group.push_back(recalls[i]);
  }
  return finder.by_memory(of_group);
}

TrackedFrame Tracker::State::described(const std::vector<FoundObject>& found, const Shape& size) {
  const auto num_objects = static_cast<std::int64_t>(found.size());
  TrackedFrame result;
  result.iou_scores = Tensor(DType::kFloat32, {num_objects});
  result.object_scores = Tensor(DType::kFloat32, {num_objects});
  result.was_prompted = Tensor(DType::kBool, {num_objects});
  if (found.empty()) {
    return result;
  }
  const VideoConfig& video = model->manifest().video;
  MaskRunsDecoder runs({video.mask_logits_size_px, video.mask_size_px, static_cast<int>(size[0]),
                        static_cast<int>(size[1])});
  timed(call.timings(), "mask_resize", num_objects, [&] {
    for (std::size_t i = 0; i < found.size(); ++i) {
      result.runs.push_back(runs.decode(found[i].mask_logits.data<float>()));
      result.iou_scores.data<float>()[i] = found[i].iou_score;
      result.object_scores.data<float>()[i] = found[i].object_score;
    }
    return true;
  });
  return result;
}

FrameKind Tracker::State::kind_of(const TrackedObject& object, const FoundObject& found,
                                  DistractorRule& distractors) const {
  if (object.prompt) {
    distractors.skip();
    return FrameKind::kPrompted;
  }
  const bool resolves = limits.max_distractors > 0 &&
                        distractors.observe({found.candidates, found.taken, found.iou_score});
  return resolves ? FrameKind::kDistractor : FrameKind::kPlain;
}

void Tracker::State::remember(Found found) {
  std::vector<MemoryBank> banks;
  std::vector<DistractorRule> distractors;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    banks.push_back(objects[i].bank);
    distractors.push_back(objects[i].distractors);
    const FrameKind kind = kind_of(objects[i], found.objects[i], distractors.back());
    banks.back().remember(std::move(found.memories[i]), kind);
  }
  // Nothing fails from here on: all objects remember the frame, or none does.
  for (std::size_t i = 0; i < objects.size(); ++i) {
    objects[i].bank = std::move(banks[i]);
    objects[i].distractors = std::move(distractors[i]);
    objects[i].prompt.reset();
  }
}

}  // namespace ufvideo
