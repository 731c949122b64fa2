#include "ufvideo/stages/language_model.h"

#include <gtest/gtest.h>

#include <thread>

#include "error_expectation.h"
#include "kv/kv_cache.h"
#include "tiny_model.h"

namespace ufvideo {
namespace {

Tensor words(const std::vector<std::int64_t>& ids) {
  return tiny_model()->token_embedder().embed(ids);
}

TEST(LanguageModelTest, RefusesACacheOfAnotherModel) {
  const LanguageModel& language_model = tiny_model()->language_model();
  const auto other_model = Model::load(tiny_package(), tiny_config());
  const auto other = other_model->language_model().make_cache();
  expect_error(ErrorCode::kInvalidInput, {"language_model: cache", "another model"},
               [&] { language_model.run(words({1}), *other); });
  EXPECT_EQ(other->length(), 0);
  const auto own = language_model.make_cache();
  language_model.run(words({1, 2}), *own);
  EXPECT_EQ(own->length(), 2);
}

TEST(LanguageModelTest, RefusesACacheThatAnotherThreadHas) {
  const LanguageModel& language_model = tiny_model()->language_model();
  const auto cache = language_model.make_cache();
  {
    const KvCache::Use use(*cache);
    std::thread([&] {
      expect_error(ErrorCode::kInvalidState, {"KV cache", "one thread at a time"},
                   [&] { language_model.run(words({1}), *cache); });
    }).join();
  }
  EXPECT_EQ(cache->length(), 0);
  language_model.run(words({1}), *cache);
  EXPECT_EQ(cache->length(), 1);
}

TEST(LanguageModelTest, LetsGoOfACacheWhenARunIsRefused) {
  const LanguageModel& language_model = tiny_model()->language_model();
  const auto cache = language_model.make_cache();
  expect_error(ErrorCode::kOutOfMemory, {"512 positions", "513"},
               [&] { language_model.run(words(std::vector<std::int64_t>(513, 1)), *cache); });
  language_model.run(words({1}), *cache);
  EXPECT_EQ(cache->length(), 1);
}

}  // namespace
}  // namespace ufvideo
