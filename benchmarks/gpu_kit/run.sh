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
for option in "$@"; do
  if [ "$option" = --work ]; then
    echo "expected --work as the first option" >&2
    exit 2
  fi
done
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
# Another kit leaves nothing of the one before it: weights belong to their templates.
if ! cmp -s "$kit/SHA256SUMS" "$work/.unpacked"; then
  for part in filled headers packages site source spare templates wheels; do
    rm -rf "${work:?}/$part"
  done
  cat "$kit"/kit.[0-9][0-9][0-9] | tar -xzf - -C "$work"
  cp "$kit/SHA256SUMS" "$work/.unpacked"
fi
# The spare pieces may come later than the others.
if [ "${#spare_missing[@]}" -eq 0 ] && [ -f "$kit/spare.000" ] && [ ! -d "$work/spare" ]; then
  rm -rf "$work/spare.partial" && mkdir "$work/spare.partial"
  cat "$kit"/spare.[0-9][0-9][0-9] | tar -xzf - -C "$work/spare.partial"
  mv "$work/spare.partial" "$work/spare"
fi
cd "$work/source"
export PYTHONUNBUFFERED=1
exec "$python" -m benchmarks.gpu_kit.measure --work "$work" "$@"
