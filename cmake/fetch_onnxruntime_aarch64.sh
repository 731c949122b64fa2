#!/usr/bin/env bash
# Unpacks libonnxruntime.so of the aarch64 wheel of onnxruntime, of the version that the given
# Python has installed, and prints its path.
#
# Usage: fetch_onnxruntime_aarch64.sh PYTHON [FOLDER]    (default: .cache/onnxruntime_aarch64)
set -euo pipefail

python="$1"
folder="${2:-$(cd "$(dirname "$0")/.." && pwd)/.cache/onnxruntime_aarch64}"
version="$("$python" -c 'from importlib.metadata import version; print(version("onnxruntime"))')"
target="$folder/$version"
library="$target/onnxruntime/capi/libonnxruntime.so.$version"

if [ ! -e "$library" ]; then
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  "$python" -m pip download -q --no-deps --only-binary=:all: --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_27_aarch64 --dest "$work" "onnxruntime==$version"
  mkdir -p "$target"
  # A wheel is a zip archive.
  "$python" -m zipfile -e "$work"/*.whl "$work/unpacked"
  mkdir -p "$(dirname "$library")"
  mv "$work/unpacked/onnxruntime/capi/$(basename "$library")" "$library"
fi
echo "$library"
