#!/usr/bin/env bash
# Unpacks Debian's libonnxruntime-dev (headers of ONNX Runtime 1.21) into a folder, without
# installing anything and without root.
#
# Debian 13 has the package; on Debian 12 it is taken from the newer suite: apt reads a private copy
# of the machine's own sources in which the suite's name is replaced. The machine's own apt state is
# not touched.
#
# Usage: fetch_onnxruntime_headers.sh [FOLDER]    (default: .cache/onnxruntime of this repository)
set -euo pipefail

target="${1:-$(cd "$(dirname "$0")/.." && pwd)/.cache/onnxruntime}"
package=libonnxruntime-dev
suite_with_package=trixie

if [ -e "$target/include/onnxruntime/onnxruntime_cxx_api.h" ]; then
  exit 0
fi
for tool in apt-get dpkg-deb; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool not found: this needs a Debian system" >&2
    exit 1
  fi
done
suite="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
distribution="$(. /etc/os-release && echo "${ID:-}")"
if [ "$distribution" != debian ] || [ -z "$suite" ]; then
  echo "this takes a package of Debian; this system is '$distribution $suite'" >&2
  exit 1
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,state,download,unpacked}
touch "$work/sources.list" "$work/state/status"

replace_suite() {
  if [ "$suite" = bookworm ]; then
    sed "s/\bbookworm\b/$suite_with_package/g"
  else
    cat
  fi
}
shopt -s nullglob
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ] && grep -q "\b$suite\b" "$file"; then
    replace_suite <"$file" >"$work/sources/$(basename "$file" | sed 's/^sources.list$/main.list/')"
  fi
done

options=(
  -o Dir::Etc::SourceList="$work/sources.list"
  -o Dir::Etc::SourceParts="$work/sources"
  -o Dir::State="$work/state"
  -o Dir::State::Lists="$work/lists"
  -o Dir::State::Status="$work/state/status"
  -o Dir::Cache="$work/cache"
  -o APT::Sandbox::User="$(id -un)"
  -o Acquire::Languages=none
)
apt-get -qq "${options[@]}" update
(cd "$work/download" && apt-get -qq "${options[@]}" download "$package")
dpkg-deb -x "$work"/download/*.deb "$work/unpacked"

mkdir -p "$target/include"
cp -r "$work/unpacked/usr/include/onnxruntime" "$target/include/"
echo "$target/include/onnxruntime"
