#!/usr/bin/env bash
# Measures a team's way, from a project's log over NATS to a client of a hub: `benches/team.sh [ROW…]`,
# `--quick`, `--rounds N`, `--json FILE`. Installs nats-server where it is missing and may be installed, and nothing
# else. See benches/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nats-server >/dev/null && [ ! -x /usr/sbin/nats-server ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  "${as_root[@]}" apt-get update -q >&2 || true
  # The run level says that no service is to be started.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -q -y --no-install-recommends nats-server >&2
fi

# The release build, but for the slow linking of all in one piece, which changes little of this.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
rows=() flags=() value=
for word in "$@"; do
  if [ -n "$value" ]; then flags+=("$word"); value=; continue; fi
  case "$word" in
    --rounds | --json) flags+=("$word"); value=next ;;
    -*) flags+=("$word") ;;
    team-*) rows+=("$word") ;;
    *) rows+=("team-$word") ;;
  esac
done
[ ${#rows[@]} -gt 0 ] || rows=(team-rate team-fanout team-latency team-rebuild team-memory)
BENCH_PEERS=none exec bash benches/run.sh "${flags[@]}" "${rows[@]}"
