#!/usr/bin/env bash
# Installs what the build and the tests need and Debian has: a compiler, CMake, Ninja, two header
# libraries, strace, with which a test looks at what the SDK opens and writes, jq, with which an
# example reads JSON, GStreamer with its RTSP server, which tests watch as a camera, and a broker of
# MQTT, which tests send events to, and openssl, which makes their certificates.
# Says what is missing instead where the machine has no apt or we are not allowed to use it.
#
# Usage: install_debian_packages.sh [--aarch64]    (the cross compiler and qemu too)
set -euo pipefail

packages=(g++ cmake ninja-build python3-venv python3-dev nlohmann-json3-dev libgtest-dev git
  strace jq python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-bad mosquitto openssl)
if [ "${1:-}" = --aarch64 ]; then
  packages+=(g++-aarch64-linux-gnu qemu-user googletest)
fi

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed'; then
    missing+=("$package")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  exit 0
fi

run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "these packages are missing: ${missing[*]}" >&2
    echo "install them as root: apt-get update && apt-get install -y ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
