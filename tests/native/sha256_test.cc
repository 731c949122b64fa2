#include <gtest/gtest.h>

#include <vector>

#include "error_expectation.h"
#include "package/sha256_compress.h"
#include "temporary_folder.h"
#include "ufvideo/package.h"

namespace ufvideo {
namespace {

std::string digest_of(const std::string& bytes) {
  TemporaryFolder folder;
  folder.write("file", bytes);
  return sha256_file(folder.path() / "file");
}

// The examples of FIPS 180-4 as NIST publishes them.
TEST(Sha256Test, AgreesWithThePublishedVectors) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Padding takes another path at each of these lengths; values from Python's hashlib.
TEST(Sha256Test, PadsAtEveryBorder) {
  EXPECT_EQ(digest_of(std::string(55, 'x')),
            "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072");
  EXPECT_EQ(digest_of(std::string(56, 'x')),
            "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e");
  EXPECT_EQ(digest_of(std::string(63, 'x')),
            "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2");
  EXPECT_EQ(digest_of(std::string(64, 'x')),
            "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c");
  EXPECT_EQ(digest_of(std::string((1 << 20) + 1, 'x')),
            "154b8ed3c2383ce429058768595935faf7851b5c38db2b1732594be1d88bc05a");
}

TEST(Sha256Test, RefusesAMissingFile) {
  expect_error(ErrorCode::kInvalidPackage, {"nowhere"}, [] { sha256_file("/nowhere/file"); });
}

TEST(Sha256Test, TheProcessorsInstructionsAgreeWithThePlainCode) {
  std::vector<unsigned char> blocks(64 * 37);
  std::uint32_t number = 1;
  for (unsigned char& byte : blocks) {
    number = number * 1664525u + 1013904223u;
    byte = static_cast<unsigned char>(number >> 24);
  }
  Sha256State plain{1, 2, 3, 4, 5, 6, 7, 0xffffffff};
  Sha256State fastest = plain;
  sha256_compress_plain(plain, blocks.data(), 37);
  fastest_sha256_compress()(fastest, blocks.data(), 37);
  EXPECT_EQ(plain, fastest);
  fastest_sha256_compress()(fastest, blocks.data(), 0);
  EXPECT_EQ(plain, fastest);
}

}  // namespace
}  // namespace ufvideo
