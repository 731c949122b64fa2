#!/usr/bin/env bash
# Unpacks the libraries of the onnxruntime-gpu wheel (255 MB) into a folder. Never installs it: it
# writes the same files as the onnxruntime wheel. The tests of what happens where a provider cannot
# start open it; no GPU is needed for them.
#
# Usage: fetch_onnxruntime_gpu.sh [FOLDER]    (default: .cache/onnxruntime-gpu of this repository)
#        PYTHON names a Python with pip; the wheel fits its version and this machine.
set -euo pipefail

target="${1:-$(cd "$(dirname "$0")/.." && pwd)/.cache/onnxruntime-gpu}"
python="${PYTHON:-python3}"
version=1.31.1

mkdir -p "$target"
if [ "$(uname -m)" != x86_64 ]; then
  echo "the tests of onnxruntime-gpu $version are for x86-64, this is $(uname -m): they are skipped" >&2
  exit 0
fi
if compgen -G "$target/onnxruntime/capi/libonnxruntime.so.$version" >/dev/null; then
  exit 0
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$python" -m pip download -q --no-deps --only-binary :all: -d "$work" "onnxruntime-gpu==$version"
"$python" -m zipfile -e "$work"/onnxruntime_gpu-*.whl "$work/unpacked"
rm -rf "$target/onnxruntime"
mkdir -p "$target/onnxruntime/capi"
mv "$work"/unpacked/onnxruntime/capi/libonnxruntime*.so* "$target/onnxruntime/capi/"
