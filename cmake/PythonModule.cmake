# The extension module ufvideo_sdk._native.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)

# Under scikit-build-core pybind11 is on CMAKE_PREFIX_PATH; in a plain build ask the interpreter.
find_package(pybind11 CONFIG QUIET)
if(NOT pybind11_FOUND)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -m pybind11 --cmakedir
    OUTPUT_VARIABLE pybind11_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE pybind11_result ERROR_QUIET)
  if(NOT pybind11_result EQUAL 0)
    message(FATAL_ERROR
      "pybind11 not found for ${Python_EXECUTABLE}; install it: "
      "${Python_EXECUTABLE} -m pip install 'pybind11>=3.0'")
  endif()
  find_package(pybind11 CONFIG REQUIRED)
endif()

file(GLOB UFVIDEO_BINDINGS CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/bindings/*.cc")
# NO_EXTRAS: link-time optimisation of thin wrappers costs build time and brings nothing.
pybind11_add_module(_native MODULE NO_EXTRAS ${UFVIDEO_BINDINGS})
target_link_libraries(_native PRIVATE ufvideo ufvideo_options)
install(TARGETS _native LIBRARY DESTINATION ufvideo_sdk COMPONENT python)
