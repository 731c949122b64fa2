# Compiler options of every target of this project.
add_library(ufvideo_options INTERFACE)

target_compile_options(ufvideo_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  # A fused multiply-add rounds once instead of twice: results would differ between machines.
  -ffp-contract=off
  $<$<BOOL:${UFVIDEO_WARNINGS_AS_ERRORS}>:-Werror>
  # Unique symbols would make ONNX Runtime's API pointer one for the whole process.
  $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)

if(UFVIDEO_SANITIZE)
  target_compile_options(ufvideo_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
    # Unoptimised instrumented code is too slow for the resize tests.
    $<$<CONFIG:Debug>:-O1>)
  target_link_options(ufvideo_options INTERFACE -fsanitize=address,undefined)
endif()

if(UFVIDEO_SANITIZE_THREAD)
  target_compile_options(ufvideo_options INTERFACE
    -fsanitize=thread -fno-omit-frame-pointer $<$<CONFIG:Debug>:-O1>)
  target_link_options(ufvideo_options INTERFACE -fsanitize=thread)
endif()
