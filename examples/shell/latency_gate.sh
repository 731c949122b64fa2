#!/bin/sh
# Fails where the median time per output token is above a limit: latency_gate.sh FILE.json LIMIT_MS
# FILE.json is what `ufvideo bench --save` wrote; jq reads it (apt install jq).
set -eu
file=$1
limit=$2
version=$(jq .schema_version "$file")
if [ "$version" != 1 ]; then
  echo "expected schema_version 1, got $version" >&2
  exit 2
fi
# A figure that was not measured, as masked_frames_per_s of a package without masks, is not in the list.
median=$(jq '[.results[0].figures[] | select(.name == "tpot_ms") | .p50][0]' "$file")
if [ "$median" = null ]; then
  echo "tpot_ms: n too small for a median; measure more processes or rounds" >&2
  exit 2
fi
echo "tpot_ms: median $median ms, limit $limit ms"
jq --null-input --exit-status --argjson median "$median" --argjson limit "$limit" \
  '$median <= $limit' >/dev/null
