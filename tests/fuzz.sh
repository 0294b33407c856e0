#!/usr/bin/env bash
# Fuzzes the readers of foreign bytes: tests/fuzz.sh [MINUTES] [TARGET…]
# Each target runs for MINUTES (10) from the fixtures as seeds; all targets unless some are named.
# A broken law, a hang (30 s for one input) and too much memory are findings; they are kept, and
# the run fails. Stable Rust will do: cargo install --locked cargo-fuzz, and a C++ compiler.
# FUZZ_OUT names the folder for logs, findings and corpora (a new one in the temporary folder).
set -uo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' tests/fuzz/Cargo.toml)
fi
if ! command -v cargo-fuzz >/dev/null; then
  echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2
  exit 2
fi

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target/fuzz}"
out=${FUZZ_OUT:-$(mktemp -d -t sprint-runner-fuzz.XXXXXX)}
mkdir -p "$out/seeds"
echo "logs, corpora and findings: $out"

# Every fixture that a reader could meet, under a flat name.
while IFS= read -r file; do
  flat=${file#fixtures/}
  cp "$file" "$out/seeds/${flat//\//+}"
done < <(find fixtures -type f -size -64k ! -path 'fixtures/fuzz/*' ! -name '*.png')

options=(--fuzz-dir tests/fuzz --sanitizer none)
if ! cargo fuzz build "${options[@]}" >"$out/build.log" 2>&1; then
  tail -n 30 "$out/build.log" >&2
  echo "the targets cannot be built; see $out/build.log" >&2
  exit 2
fi

failed=0
for target in "${targets[@]}"; do
  corpus="$out/corpus/$target" found="$out/found/$target" log="$out/$target.log"
  mkdir -p "$corpus" "$found"
  max_len=4096
  case $target in
    flood) max_len=256 ;;
    guard | resume | filter | settings | start) max_len=1024 ;;
  esac
  seeds=("fixtures/fuzz/$target")
  [ "$target" = flood ] || seeds+=("$out/seeds")
  cargo fuzz run "${options[@]}" "$target" "$corpus" "${seeds[@]}" -- \
    -dict="tests/fuzz/dictionaries/$target.dict" -artifact_prefix="$found/" \
    -max_total_time=$((minutes * 60)) -max_len=$max_len -timeout=30 -rss_limit_mb=1024 \
    -malloc_limit_mb=512 -print_final_stats=1 -verbosity=1 >"$log" 2>&1
  status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)
  memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log" | tail -n 1)
  findings=$(find "$found" -type f ! -name 'slow-unit-*' | wc -l)
  echo "$target: $minutes min, ${runs:-?} runs, cov ${coverage:-?}, ${memory:-?} MB, $findings findings"
  if [ "$findings" -gt 0 ] || [ "$status" -ne 0 ]; then
    failed=1
    find "$found" -type f ! -name 'slow-unit-*' -printf '  %p\n'
  fi
done
exit $failed
