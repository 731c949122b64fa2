#include "tensor/device_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "base/address_sanitizer.h"
#include "error_expectation.h"
#include "kv/kv_buffers.h"
#include "kv/kv_cache.h"
#include "ort/graph.h"
#include "tiny_model.h"
#include "ufvideo/resize.h"

namespace ufvideo {
namespace {

/// The tiny model with tensors on a "device" that only ONNX Runtime touches, so that whatever reads
/// them as if they were the host's fails here too.
std::shared_ptr<const Model> device_model() {
  static const std::shared_ptr<const Model> model = [] {
    take_the_cpu_for_a_device(true);
    std::shared_ptr<const Model> opened = Model::load(tiny_package(), tiny_config());
    take_the_cpu_for_a_device(false);
    return opened;
  }();
  return model;
}

/// Two frames of the vision encoder's own size.
Tensor vision_frames() {
  const int size_px = tiny_model()->manifest().video.vision_size_px;
  return resize_bicubic(noise(0, 2), size_px, size_px);
}

DevicePtr device() { return device_model()->vision_encoder().encode(vision_frames()).device(); }

void expect_same_bits(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  ASSERT_EQ(actual.dtype(), expected.dtype());
  const Tensor on_host = actual.on_host();
  if (expected.empty()) {
    return;
  }
  EXPECT_EQ(std::memcmp(on_host.raw(), expected.raw(), expected.bytes()), 0);
}

Tensor counted(Shape shape) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  for (std::size_t i = 0; i < tensor.elements(); ++i) {
    tensor.data<float>()[i] = static_cast<float>(i);
  }
  return tensor;
}

Tensor on_device(const Tensor& host) {
  Tensor tensor = allocate_on(device(), host.dtype(), host.shape());
  copy_content(host, tensor);
  return tensor;
}

TEST(DeviceMemoryTest, OnlyTheProviderReadsIt) {
  Tensor tensor = on_device(counted({4, 3}));
  ASSERT_NE(tensor.device(), nullptr);
  EXPECT_NE(tensor.address(), nullptr);
  expect_error(ErrorCode::kInvalidInput, {"host memory", "float32 [4, 3]", "on a device"},
               [&] { tensor.raw(); });
  expect_error(ErrorCode::kInvalidInput, {"host memory"}, [&] { tensor.data<float>(); });
  EXPECT_NE(tensor.rows(1, 2).reshaped({3}).device(), nullptr);
  expect_same_bits(tensor.rows(1, 3), counted({4, 3}).rows(1, 3));
  const Tensor host = counted({2});
  EXPECT_EQ(host.on_host().raw(), host.raw());
}

TEST(DeviceMemoryTest, CopiesEveryWay) {
  const Tensor host = counted({2, 3});
  const Tensor there = on_device(host);
  const Tensor again = copied(there);
  EXPECT_NE(again.address(), there.address());
  EXPECT_NE(again.device(), nullptr);
  expect_same_bits(again, host);
  expect_same_bits(concatenated({there, host}), concatenated({host, host}));
  expect_same_bits(concatenated({host, there}), concatenated({host, host}));
  EXPECT_EQ(concatenated({host, there}).device(), nullptr);
  expect_same_bits(allocate_on(device(), DType::kFloat32, {0, 3}), Tensor(DType::kFloat32, {0, 3}));
  expect_error(ErrorCode::kInvalidInput, {"equal size", "[2, 3]", "[1, 3]"},
               [&] { copy_content(host, there.rows(0, 1)); });
}

TEST(DeviceMemoryTest, WhatItCannotHoldIsOutOfMemory) {
#ifdef UFVIDEO_ADDRESS_SANITIZER
  GTEST_SKIP() << "AddressSanitizer's operator new ends the process where others throw";
#endif
  expect_error(ErrorCode::kOutOfMemory, {"on the device", "float32"},
               [] { allocate_on(device(), DType::kFloat32, {std::int64_t{1} << 50}); });
}

TEST(DeviceMemoryTest, ACacheGrowsThere) {
  const auto sizes =
      std::make_shared<const KvCacheSizes>(KvCacheSizes{2, 3, 4, DType::kFloat32, 1000, device()});
  KvBuffers buffers(sizes, 2, std::make_shared<MemoryBudget>(MemoryLimits{}));
  buffers.reserve(10, {0, 0});
  ASSERT_NE(buffers.keys(1).device(), nullptr);
  // Not even what nobody has written is anything but a number.
  const Tensor fresh = buffers.keys(1).on_host();
  EXPECT_TRUE(std::all_of(fresh.data<float>(), fresh.data<float>() + fresh.elements(),
                          [](float value) { return value == 0.0f; }));
  const Tensor written = counted({2, 3, 256, 4});
  copy_content(written, buffers.keys(1));
  buffers.reserve(300, {7, 9});
  const Tensor kept = buffers.keys(1).on_host();
  ASSERT_EQ(kept.shape(), (Shape{2, 3, 512, 4}));
  for (int row = 0; row < 2; ++row) {
    for (int head = 0; head < 3; ++head) {
      const float* from = written.data<float>() + (row * 3 + head) * 256 * 4;
      const float* to = kept.data<float>() + (row * 3 + head) * 512 * 4;
      const int length = row == 0 ? 7 : 9;
      EXPECT_EQ(std::memcmp(from, to, length * 4 * sizeof(float)), 0);
      EXPECT_EQ(to[length * 4], 0.0f);
    }
  }
}

TEST(DeviceMemoryTest, StagesHandTheirTensorsOn) {
  const Tensor features = device_model()->vision_encoder().encode(vision_frames());
  const Tensor expected = tiny_model()->vision_encoder().encode(vision_frames());
  ASSERT_NE(features.device(), nullptr);
  EXPECT_EQ(expected.device(), nullptr);
  expect_same_bits(features, expected);
  const Tensor tokens = device_model()->aligner().align(features);
  ASSERT_NE(tokens.device(), nullptr);
  expect_same_bits(tokens, tiny_model()->aligner().align(expected));
}

std::unique_ptr<Session> device_session() {
  auto session = std::make_unique<Session>(device_model());
  session->open_clip({noise(0, 4), indices(0, 4), false});
  return session;
}

void expect_same(const Generation& actual, const Generation& expected) {
  EXPECT_EQ(actual.token_ids, expected.token_ids);
  EXPECT_EQ(actual.seg_positions, expected.seg_positions);
  EXPECT_EQ(actual.num_reused_tokens, expected.num_reused_tokens);
  expect_same_bits(actual.seg_hidden_states, expected.seg_hidden_states);
}

/// A prompt that holds its answer, with [SEG] in it.
Prompt with_seg() {
  const std::int64_t seg = tiny_model()->manifest().tokens.seg_id;
  return ask({20, 21, 22, seg, 23, seg});
}

TEST(DeviceSessionTest, AnswersAsOnTheHostBitForBit) {
  const auto there = device_session();
  const auto here = tiny_session();
  expect_same_bits(there->video_tokens(), here->video_tokens());
  for (const Prompt& prompt :
       {ask({20, 21}), ask({20, 21, 22}), ask_about_region({30}), ask({20, 21})}) {
    expect_same(there->generate(prompt, greedy(300)), here->generate(prompt, greedy(300)));
  }
  const Generation forced = there->teacher_force(with_seg(), 5);
  EXPECT_EQ(forced.seg_hidden_states.dim(0), 2);
  expect_same(forced, here->teacher_force(with_seg(), 5));
  const Segmentation masks = there->segment(forced.seg_hidden_states, noise(0, 3), indices(0, 3));
  const Segmentation expected = here->segment(forced.seg_hidden_states, noise(0, 3), indices(0, 3));
  EXPECT_EQ(masks.runs, expected.runs);
  expect_same_bits(masks.scores, expected.scores);
}

TEST(DeviceSessionTest, FramesGoInBatchesThereAndOneByOneOnTheCpu) {
  const auto runs = [](Session& session, const std::string& stem) {
    return session.timings().at(stem).num_calls;
  };
  const std::int64_t seg_width = tiny_model()->manifest().model.hidden_size;
  Tensor state(DType::kFloat32, {1, seg_width});
  std::fill_n(state.data<float>(), state.elements(), 0.5f);
  const auto there = device_session();
  const auto here = tiny_session();
  for (Session* session : {there.get(), here.get()}) {
    session->segment(state, noise(0, 3), indices(0, 3));
  }
  EXPECT_EQ(runs(*there, "vision_encoder"), 1);
  EXPECT_EQ(runs(*there, "aligner"), 1);
  EXPECT_EQ(runs(*there, "mask_encoder"), 1);
  EXPECT_EQ(runs(*here, "vision_encoder"), 4);
  EXPECT_EQ(runs(*here, "aligner"), 2);
  EXPECT_EQ(runs(*here, "mask_encoder"), 3);
}

TEST(DeviceSessionTest, AStepWithFixedAddressesIsTheSameStep) {
  // What is captured on a GPU: the length in a buffer, the total as large as the cache. Without the
  // provider that captures it is a step like any other.
  RuntimeConfig config = tiny_config();
  config.providers = {"cuda", "cpu"};
  config.allow_fallback = true;
  config.cuda_graphs = true;
  take_the_cpu_for_a_device(true);
  const std::shared_ptr<const Model> model = Model::load(tiny_package(), config);
  take_the_cpu_for_a_device(false);
  if (model->stage_providers().at("language_model").used.front() != "cpu") {
    GTEST_SKIP() << "CUDA is here";
  }
  Session there(model);
  there.open_clip({noise(0, 4), indices(0, 4), false});
  const auto here = tiny_session();
  // 300 tokens: the cache moves on the way.
  for (const Prompt& prompt : {ask({20, 21}), ask_about_region({30}), ask({20, 21})}) {
    expect_same(there.generate(prompt, greedy(300)), here->generate(prompt, greedy(300)));
  }
  const std::vector<Prompt> prompts{ask({20, 21}), ask({40})};
  expect_same(there.generate_many(prompts, greedy(20))[1],
              here->generate_many(prompts, greedy(20))[1]);
}

TEST(DeviceMemoryTest, WhatIsNoNumberDoesNotStayInACache) {
  const LanguageModel& language_model = device_model()->language_model();
  const auto cache = language_model.make_cache();
  const std::int64_t width = device_model()->manifest().model.hidden_size;
  Tensor good(DType::kFloat32, {3, width});
  std::fill_n(good.data<float>(), good.elements(), 0.5f);
  Tensor bad(DType::kFloat32, {2, width});
  std::fill_n(bad.data<float>(), bad.elements(), std::numeric_limits<float>::quiet_NaN());
  language_model.run(good, *cache);
  const Tensor before = copied(cache->keys(0)).on_host();
  expect_error(ErrorCode::kInferenceFailed, {"logits", "nan"},
               [&] { language_model.run(bad, *cache); });
  EXPECT_EQ(cache->length(), 3);
  for (const Tensor& part : {cache->keys(0), cache->values(0)}) {
    const Tensor held = part.on_host();
    EXPECT_TRUE(std::all_of(held.data<float>(), held.data<float>() + held.elements(),
                            [](float value) { return std::isfinite(value); }));
  }
  expect_same_bits(cache->keys(0), before);
}

TEST(DeviceSessionTest, AnswersManyAsOnTheHost) {
  const std::vector<Prompt> prompts{ask({20, 21}), ask_about_region({30}), ask({40}), ask({50})};
  const auto there = device_session()->generate_many(prompts, greedy(40));
  const auto here = tiny_session()->generate_many(prompts, greedy(40));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    expect_same(there[i], here[i]);
  }
}

TEST(DeviceSessionTest, ASavedClipGoesFromOneToTheOther) {
  const TokenConfig& tokens = tiny_model()->manifest().tokens;
  const std::vector<std::int64_t> prefix{11, 12, tokens.video_placeholder_id};
  const SavedClip there = device_session()->save_clip(prefix).value();
  const SavedClip here = tiny_session()->save_clip(prefix).value();
  expect_same_bits(there.features, here.features);
  expect_same_bits(there.video_tokens, here.video_tokens);
  expect_same_bits(there.keys, here.keys);
  expect_same_bits(there.values, here.values);
  Session restored(device_model());
  restored.restore_clip(here);
  const Generation answer = restored.generate(ask_about_region({30}), greedy(20));
  EXPECT_GT(answer.num_reused_tokens, 3);
  const auto fresh = tiny_session();
  fresh->generate(ask({30}), greedy(1));
  EXPECT_EQ(answer.token_ids, fresh->generate(ask_about_region({30}), greedy(20)).token_ids);
}

}  // namespace
}  // namespace ufvideo
