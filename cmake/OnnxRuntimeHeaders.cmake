# Finds the headers of ONNX Runtime and defines the target `onnxruntime_headers`.
#
# Order: ONNXRUNTIME_ROOT (cache or environment), the system, .cache/onnxruntime of this repository
# (filled from Debian's package where that is possible), the upstream release archive.
set(ONNXRUNTIME_ROOT "$ENV{ONNXRUNTIME_ROOT}" CACHE PATH
    "Folder that holds ONNX Runtime's headers, in itself or under include/ or include/onnxruntime/")
set(UFVIDEO_MIN_ORT_API 21)
set(UFVIDEO_ORT_RELEASE 1.21.1)
set(UFVIDEO_ORT_RELEASE_SHA256 "" CACHE STRING "Expected digest of the release archive; empty: any")

set(_ort_suffixes include include/onnxruntime include/onnxruntime/core/session
    usr/include/onnxruntime onnxruntime onnxruntime/core/session)
set(_ort_cache "${PROJECT_SOURCE_DIR}/.cache/onnxruntime")

function(_ort_find)
  find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_cxx_api.h
    PATHS ${ARGN} PATH_SUFFIXES ${_ort_suffixes} NO_DEFAULT_PATH)
endfunction()

function(_ort_fetch_package)
  find_program(APT_GET apt-get)
  if(NOT APT_GET)
    return()
  endif()
  message(STATUS "Taking ONNX Runtime's headers from Debian's package")
  execute_process(
    COMMAND bash "${PROJECT_SOURCE_DIR}/cmake/fetch_onnxruntime_headers.sh" "${_ort_cache}"
    RESULT_VARIABLE result ERROR_VARIABLE message OUTPUT_QUIET)
  if(NOT result EQUAL 0)
    message(STATUS "That did not work: ${message}")
  endif()
endfunction()

function(_ort_fetch_release)
  set(folder "${CMAKE_BINARY_DIR}/onnxruntime_release")
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
  set(architecture x64)
  if(processor MATCHES "aarch64|arm64")
    set(architecture aarch64)
  endif()
  set(name "onnxruntime-linux-${architecture}-${UFVIDEO_ORT_RELEASE}")
  set(archive "${folder}/${name}.tgz")
  message(STATUS "Taking ONNX Runtime's headers from the upstream release ${UFVIDEO_ORT_RELEASE}")
  file(DOWNLOAD
    "https://github.com/microsoft/onnxruntime/releases/download/v${UFVIDEO_ORT_RELEASE}/${name}.tgz"
    "${archive}" STATUS status TIMEOUT 120)
  list(GET status 0 failed)
  if(failed)
    list(GET status 1 reason)
    message(STATUS "That did not work: ${reason}")
    file(REMOVE "${archive}")
    return()
  endif()
  file(SHA256 "${archive}" digest)
  if(UFVIDEO_ORT_RELEASE_SHA256 AND NOT digest STREQUAL UFVIDEO_ORT_RELEASE_SHA256)
    message(FATAL_ERROR
      "${archive}: expected SHA-256 ${UFVIDEO_ORT_RELEASE_SHA256}, got ${digest}")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${folder}" PATTERNS "*/include/*")
endfunction()

if(ONNXRUNTIME_ROOT)
  _ort_find("${ONNXRUNTIME_ROOT}")
  if(NOT ONNXRUNTIME_INCLUDE_DIR)
    message(FATAL_ERROR
      "ONNXRUNTIME_ROOT=${ONNXRUNTIME_ROOT} holds no onnxruntime_cxx_api.h, neither in itself nor "
      "under include/ or include/onnxruntime/")
  endif()
else()
  find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_cxx_api.h PATH_SUFFIXES ${_ort_suffixes})
  if(NOT ONNXRUNTIME_INCLUDE_DIR)
    _ort_find("${_ort_cache}")
  endif()
  if(NOT ONNXRUNTIME_INCLUDE_DIR)
    _ort_fetch_package()
    _ort_find("${_ort_cache}")
  endif()
  if(NOT ONNXRUNTIME_INCLUDE_DIR)
    _ort_fetch_release()
    file(GLOB _ort_release "${CMAKE_BINARY_DIR}/onnxruntime_release/*")
    _ort_find(${_ort_release})
  endif()
endif()

if(NOT ONNXRUNTIME_INCLUDE_DIR)
  message(FATAL_ERROR
    "The headers of ONNX Runtime (1.21 or newer) were not found. Do one of these:\n"
    "  - apt-get install libonnxruntime-dev (Debian 13 and newer)\n"
    "  - bash cmake/fetch_onnxruntime_headers.sh (Debian 12)\n"
    "  - unpack a release of github.com/microsoft/onnxruntime and configure with "
    "-DONNXRUNTIME_ROOT=<folder> (or set ONNXRUNTIME_ROOT in the environment)")
endif()

file(STRINGS "${ONNXRUNTIME_INCLUDE_DIR}/onnxruntime_c_api.h" _ort_line
  REGEX "^#define ORT_API_VERSION [0-9]+")
string(REGEX MATCH "[0-9]+$" ONNXRUNTIME_API_VERSION "${_ort_line}")
if(NOT ONNXRUNTIME_API_VERSION OR ONNXRUNTIME_API_VERSION LESS UFVIDEO_MIN_ORT_API)
  message(FATAL_ERROR
    "${ONNXRUNTIME_INCLUDE_DIR}: these headers are of ONNX Runtime API version "
    "'${ONNXRUNTIME_API_VERSION}', ${UFVIDEO_MIN_ORT_API} or newer is needed (1.21)")
endif()
message(STATUS "ONNX Runtime headers: ${ONNXRUNTIME_INCLUDE_DIR} (API ${ONNXRUNTIME_API_VERSION})")

add_library(onnxruntime_headers INTERFACE)
target_include_directories(onnxruntime_headers SYSTEM INTERFACE "${ONNXRUNTIME_INCLUDE_DIR}")
