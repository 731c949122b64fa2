#!/usr/bin/env bash
# Checks the pieces that lie beside it, joins them, and measures; docs/gpu.md tells what.
#
# Usage: run [--work DIR] [options of `python -m benchmarks.gpu_kit.measure`]
#        --work DIR    where it unpacks, builds and writes: 30 GB, default: ./work
#        PYTHON        the Python that has PyTorch, default: python3
# The report is DIR/report.txt, written line by line.
set -euo pipefail

kit="$(cd "$(dirname "$0")" && pwd)"
work="$PWD/work"
if [ "${1:-}" = --work ]; then
  mkdir -p "$2"
  work="$(cd "$2" && pwd)"
  shift 2
fi
python="${PYTHON:-python3}"

missing=()
spare_missing=()
while read -r _ name; do
  if [ ! -f "$kit/$name" ]; then
    case "$name" in
      kit.*) missing+=("$name") ;;
      *) spare_missing+=("$name") ;;
    esac
  fi
done <"$kit/SHA256SUMS"
if [ "${#missing[@]}" -gt 0 ]; then
  echo "these pieces are missing beside $kit/run: ${missing[*]}" >&2
  exit 3
fi
(cd "$kit" && sha256sum --check --quiet --ignore-missing SHA256SUMS)

mkdir -p "$work"
if [ ! -f "$work/.unpacked" ] || [ "$kit/SHA256SUMS" -nt "$work/.unpacked" ]; then
  cat "$kit"/kit.[0-9][0-9][0-9] | tar -xzf - -C "$work"
  if [ "${#spare_missing[@]}" -eq 0 ] && [ -f "$kit/spare.000" ]; then
    mkdir -p "$work/spare"
    cat "$kit"/spare.[0-9][0-9][0-9] | tar -xzf - -C "$work/spare"
  fi
  touch "$work/.unpacked"
fi
cd "$work/source"
export PYTHONUNBUFFERED=1
exec "$python" -m benchmarks.gpu_kit.measure --work "$work" "$@"
