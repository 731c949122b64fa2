# What `cmake --install BUILD --component development` writes: the static library, the public
# headers, and the CMake package that find_package(ufvideo) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ufvideo")
install(TARGETS ufvideo EXPORT ufvideoTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/native/include/ufvideo"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development FILES_MATCHING PATTERN "*.h")
install(EXPORT ufvideoTargets NAMESPACE ufvideo::
  DESTINATION "${_package_dir}" COMPONENT development)

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/ufvideoConfig.cmake.in" "${PROJECT_BINARY_DIR}/ufvideoConfig.cmake"
  INSTALL_DESTINATION "${_package_dir}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/ufvideoConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/ufvideoConfig.cmake"
    "${PROJECT_BINARY_DIR}/ufvideoConfigVersion.cmake"
  DESTINATION "${_package_dir}" COMPONENT development)
