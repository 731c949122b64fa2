#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "ufvideo/error.h"

namespace ufvideo {

/// Expects that `action` throws Error with this code and a message that contains every text.
inline void expect_error(ErrorCode code, const std::vector<std::string>& texts,
                         const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code)) << error.what();
    for (const std::string& text : texts) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
          << "expected \"" << text << "\" in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "expected an Error, nothing was thrown";
}

}  // namespace ufvideo
