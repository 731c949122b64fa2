#pragma once

// Defined where AddressSanitizer watches the build: GCC has a macro for that, Clang a feature.
#if defined(__SANITIZE_ADDRESS__)
#define UFVIDEO_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UFVIDEO_ADDRESS_SANITIZER 1
#endif
#endif
