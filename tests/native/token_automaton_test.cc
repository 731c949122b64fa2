#include "ufvideo/token_automaton.h"

#include <gtest/gtest.h>

#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

constexpr std::int64_t kVocabSize = 20;
constexpr std::int64_t kEnd = 19;

TokenAutomaton automaton(std::vector<TokenState> states) {
  return TokenAutomaton(std::move(states), kVocabSize, {kEnd});
}

TokenState goes(std::vector<TokenEdge> edges, bool is_end = false) {
  return {std::move(edges), is_end};
}

TEST(TokenAutomaton, AllowsItsEdgesAndTheEndWhereItMayEnd) {
  const TokenAutomaton format =
      automaton({goes({{{7, 9}, 1}, {{2, 2}, 1}}), goes({{{4, 4}, 2}}, true), goes({}, true)});
  const std::vector<TokenRange> first = format.allowed(0);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].first_id, 2);
  EXPECT_EQ(first[1].last_id, 9);
  const std::vector<TokenRange> second = format.allowed(1);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[1].first_id, kEnd);
  EXPECT_EQ(format.next(0, 8), 1);
  EXPECT_EQ(format.next(1, 4), 2);
  EXPECT_FALSE(format.must_end(1));
  EXPECT_TRUE(format.must_end(2));
  EXPECT_EQ(format.longest(), 2);
}

TEST(TokenAutomaton, ACircleHasNoLongestAnswer) {
  EXPECT_EQ(automaton({goes({{{1, 2}, 0}, {{3, 3}, 1}}), goes({}, true)}).longest(), std::nullopt);
  // One that no answer comes to does not count.
  EXPECT_EQ(automaton({goes({{{3, 3}, 1}}), goes({}, true), goes({{{3, 3}, 2}}, true)}).longest(),
            1);
}

TEST(TokenAutomaton, TheLongestOfSeveralWaysCounts) {
  EXPECT_EQ(automaton({goes({{{1, 1}, 3}, {{2, 2}, 1}}), goes({{{1, 1}, 2}}),
                       goes({{{1, 5}, 3}, {{6, 7}, 3}}), goes({}, true)})
                .longest(),
            3);
}

TEST(TokenAutomaton, ATokenThatIsNotAllowedLeadsNowhere) {
  const TokenAutomaton format = automaton({goes({{{4, 6}, 1}}), goes({}, true)});
  for (const std::int64_t id : {3, 7}) {
    expect_error(ErrorCode::kInvalidInput, {"state 0"}, [&] { format.next(0, id); });
  }
}

void expect_refused(std::vector<TokenState> states, const std::vector<std::string>& words) {
  expect_error(ErrorCode::kInvalidInput, words, [&] { automaton(std::move(states)); });
}

TEST(TokenAutomaton, RefusesWhatIsNone) {
  const TokenState end = goes({}, true);
  expect_refused({}, {"states", "got 0"});
  expect_refused({end}, {"an edge out of state 0"});
  expect_refused({goes({{{5, 4}, 1}}), end}, {"ids in order", "5 to 4"});
  expect_refused({goes({{{-1, 4}, 1}}), end}, {"0 to 19", "-1"});
  expect_refused({goes({{{4, 20}, 1}}), end}, {"states[0]", "4 to 20"});
  expect_refused({goes({{{4, 4}, 2}}), end}, {"next state of 0 to 1", "got 2"});
  expect_refused({goes({{{4, 4}, -1}}), end}, {"next state", "got -1"});
  expect_refused({goes({{{4, kEnd}, 1}}), end}, {"no end token", "19"});
  expect_refused({goes({{{4, 8}, 1}, {{8, 9}, 1}}), end}, {"each id once", "8"});
  expect_refused({goes({{{4, 4}, 1}, {{5, 5}, 2}}), end, goes({{{1, 1}, 2}})},
                 {"an end behind every state", "states[2]"});
  expect_refused(std::vector<TokenState>(TokenAutomaton::kMaxStates + 1, end), {"1048577"});
}

TEST(TokenAutomaton, RefusesEndTokensThatAreNone) {
  const std::vector<TokenState> states{goes({{{1, 1}, 1}}), goes({}, true)};
  expect_error(ErrorCode::kInvalidInput, {"end_ids", "got none"},
               [&] { TokenAutomaton(states, kVocabSize, {}); });
  expect_error(ErrorCode::kInvalidInput, {"end_ids", "got 20"},
               [&] { TokenAutomaton(states, kVocabSize, {20}); });
}

}  // namespace
}  // namespace ufvideo
