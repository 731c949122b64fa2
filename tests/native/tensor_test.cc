#include "ufvideo/tensor.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <vector>

#include "error_expectation.h"

namespace ufvideo {
namespace {

TEST(DTypeTest, NamesSurviveARoundTrip) {
  for (const char* name : {"uint8", "bool", "int32", "int64", "float16", "float32"}) {
    EXPECT_STREQ(dtype_name(parse_dtype(name)), name);
  }
  EXPECT_EQ(dtype_bytes(DType::kBool), 1u);
  EXPECT_EQ(dtype_bytes(DType::kFloat16), 2u);
  EXPECT_EQ(dtype_bytes(DType::kInt64), 8u);
}

TEST(DTypeTest, RefusesAnUnknownName) {
  expect_error(ErrorCode::kInvalidPackage, {"float64", "float32"}, [] { parse_dtype("float64"); });
}

TEST(ShapeTest, CountsElements) {
  EXPECT_EQ(shape_elements({}), 1u);
  EXPECT_EQ(shape_elements({2, 3, 4}), 24u);
  EXPECT_EQ(shape_elements({2, 0, std::numeric_limits<std::int64_t>::max()}), 0u);
  EXPECT_EQ(shape_string({2, 3}), "[2, 3]");
  EXPECT_EQ(shape_string({}), "[]");
}

TEST(ShapeTest, RefusesNegativeAndOverflow) {
  expect_error(ErrorCode::kInvalidInput, {"[2, -1]"}, [] { shape_elements({2, -1}); });
  const std::int64_t big = std::int64_t{1} << 40;
  expect_error(ErrorCode::kInvalidInput, {"1099511627776"}, [=] { shape_elements({big, big}); });
}

TEST(TensorTest, AllocatesAlignedWritableMemory) {
  Tensor tensor(DType::kFloat32, {3, 5});
  EXPECT_EQ(tensor.elements(), 15u);
  EXPECT_EQ(tensor.bytes(), 60u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.raw()) % 64, 0u);
  float* values = tensor.data<float>();
  for (int i = 0; i < 15; ++i) values[i] = static_cast<float>(i);
  EXPECT_EQ(std::as_const(tensor).data<float>()[14], 14.0f);
}

TEST(TensorTest, EmptyTensorsHaveNoMemory) {
  EXPECT_TRUE(Tensor().empty());
  Tensor tensor(DType::kUint8, {0, 4});
  EXPECT_TRUE(tensor.empty());
  EXPECT_EQ(tensor.rows(0, 0).shape(), (Shape{0, 4}));
}

TEST(TensorTest, TypedAccessRefusesAnotherType) {
  Tensor tensor(DType::kFloat32, {2});
  expect_error(ErrorCode::kInvalidInput, {"int64", "float32", "[2]"},
               [&] { tensor.data<std::int64_t>(); });
}

TEST(TensorTest, ImpossibleAllocationIsOutOfMemory) {
  expect_error(ErrorCode::kOutOfMemory, {"float32", "[1152921504606846976]"},
               [] { Tensor(DType::kFloat32, {std::int64_t{1} << 60}); });
}

TEST(TensorTest, RowsShareMemory) {
  Tensor tensor(DType::kInt32, {4, 2});
  for (int i = 0; i < 8; ++i) tensor.data<std::int32_t>()[i] = i;
  Tensor rows = tensor.rows(1, 3);
  EXPECT_EQ(rows.shape(), (Shape{2, 2}));
  EXPECT_EQ(rows.data<std::int32_t>()[0], 2);
  rows.data<std::int32_t>()[0] = 70;
  EXPECT_EQ(tensor.data<std::int32_t>()[2], 70);
}

TEST(TensorTest, RowsKeepTheMemoryAlive) {
  Tensor rows;
  {
    Tensor tensor(DType::kUint8, {4});
    for (int i = 0; i < 4; ++i) tensor.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i);
    rows = tensor.rows(2, 4);
  }
  EXPECT_EQ(rows.data<std::uint8_t>()[1], 3);
}

TEST(TensorTest, RowsRefuseARangeOutside) {
  Tensor tensor(DType::kUint8, {4, 2});
  expect_error(ErrorCode::kInvalidInput, {"[4, 2]", "[3, 5)"}, [&] { tensor.rows(3, 5); });
  expect_error(ErrorCode::kInvalidInput, {"[-1, 2)"}, [&] { tensor.rows(-1, 2); });
  expect_error(ErrorCode::kInvalidInput, {"[3, 2)"}, [&] { tensor.rows(3, 2); });
  expect_error(ErrorCode::kInvalidInput, {"[]"}, [] { Tensor(DType::kUint8, {}).rows(0, 1); });
}

TEST(TensorTest, ReshapedKeepsMemoryAndSize) {
  Tensor tensor(DType::kUint8, {4, 3});
  EXPECT_EQ(tensor.reshaped({2, 6}).raw(), tensor.raw());
  expect_error(ErrorCode::kInvalidInput, {"12", "[4, 3]", "[5, 2]"},
               [&] { tensor.reshaped({5, 2}); });
}

TEST(TensorTest, BorrowedMemoryLivesAsLongAsItsOwner) {
  auto owner = std::make_shared<std::vector<float>>(6, 1.0f);
  std::weak_ptr<std::vector<float>> watch = owner;
  {
    float* first = owner->data();
    Tensor tensor(DType::kFloat32, {2, 3}, first, std::move(owner));
    EXPECT_FALSE(watch.expired());
    EXPECT_EQ(tensor.data<float>()[5], 1.0f);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(TensorTest, RefusesNullMemory) {
  expect_error(ErrorCode::kInvalidInput, {"uint8", "[3]"},
               [] { Tensor(DType::kUint8, {3}, nullptr, nullptr); });
}

}  // namespace
}  // namespace ufvideo
