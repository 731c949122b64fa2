# Debian's cross compiler for 64-bit Arm (g++-aarch64-linux-gnu), its programs run by qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# Libraries are the target's alone; headers without code (nlohmann-json) and their CMake packages
# are the same for every machine.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)

# The processor is the nearest that qemu 7 has to a Jetson Orin's (Cortex-A78AE: Armv8.2, SHA, dot
# product, no SVE). aarch64_root/proc/cpuinfo says so too: ONNX Runtime reads that file as it is
# loaded, and crashes on this machine's own.
find_program(UFVIDEO_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(UFVIDEO_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR
    "${UFVIDEO_QEMU};-cpu;cortex-a76;-L;${CMAKE_CURRENT_LIST_DIR}/aarch64_root"
    /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 --library-path /usr/aarch64-linux-gnu/lib)
endif()
